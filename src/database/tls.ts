import { readRegularFile } from '../files/read-file.js';
import { DatabaseError } from '../model/database.js';
import type { TlsSettings } from '../model/settings.js';
import { messageOf } from '../model/thrown.js';

/** A bundle of every public authority has a tenth of it. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/** The contents of the files that TLS settings name. */
export interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Reads the files at each connect, so that a renewed certificate is used. Throws DatabaseError `tls`. */
export async function readTlsFiles(tls: TlsSettings): Promise<TlsFiles> {
  const [ca, cert, key] = await Promise.all([tls.caFile, tls.certFile, tls.keyFile].map(readOptionalFile));
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

/** The file that a TLS option names, or null where it names none. Throws DatabaseError `tls`. */
export async function readOptionalFile(path: string | null): Promise<Buffer | null> {
  if (path === null) return null;
  try {
    return readRegularFile(path, FILE_BYTES_MAX);
  } catch (error) {
    const reason = messageOf(error);
    throw new DatabaseError('tls', `The TLS file "${path}" cannot be read: ${reason}.`, { cause: error });
  }
}
