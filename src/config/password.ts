import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readRegularFile } from '../files/read-file.js';
import { DatabaseError } from '../model/database.js';
import { errorCodeOf, messageOf } from '../model/thrown.js';
import type { Origin, Written } from './problem.js';

/** What the credential is called in the unit: `LoadCredential=sql_password:/path`. */
const CREDENTIAL_NAME = 'sql_password';

/** The password file that systemd's credentials amount to; null when the service was given none. */
export function credential(environment: Readonly<Record<string, string | undefined>>): Written | null {
  const folder = environment.CREDENTIALS_DIRECTORY;
  const file = folder ? join(folder, CREDENTIAL_NAME) : null;
  return file !== null && existsSync(file) ? { text: file, origin: { kind: 'credential', file } } : null;
}

/** No password is as long; a file that is, is another one. */
const FILE_BYTES_MAX = 64 * 1024;

const STRENGTH: Readonly<Record<Origin['kind'], number>> = {
  default: 0,
  file: 1,
  credential: 2,
  environment: 3,
  'command-line': 4,
};

/**
 * Whether the password in the file counts rather than the one in the URL: it does unless the URL was written in a
 * stronger place (files, then credential, then environment, then command line).
 */
export const passwordFileWins = (file: Origin, url: Origin): boolean =>
  STRENGTH[file.kind] >= STRENGTH[url.kind];

/**
 * Reads the password from its file: all of it but one final line end. Throws DatabaseError('authentication') when the
 * file cannot be read; the message names the file only.
 */
export function readPasswordFile(file: string): string {
  try {
    return readRegularFile(file, FILE_BYTES_MAX)
      .toString('utf8')
      .replace(/\r?\n$/, '');
  } catch (cause) {
    const code = errorCodeOf(cause) ?? messageOf(cause);
    throw new DatabaseError('authentication', `The password file ${file} cannot be read (${code}).`, {
      cause,
    });
  }
}
