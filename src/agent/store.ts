import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  type Clock,
  errorCodeOf,
  messageOf,
  type StateName,
  type Store,
  type Stored,
} from '../model/index.js';
import { makeFolder, networkNamespace } from './folders.js';

/** Files of another version are refused: their meaning may have changed. */
const VERSION = 1;
/** A file of the agent's own is far smaller; a larger one is somebody else's. */
const FILE_LENGTH_MAX = 64 * 1024 * 1024;

interface Envelope {
  readonly version: number;
  readonly host: string;
  readonly bootId: string;
  readonly writtenAtMs: number;
  readonly checksum: string;
  /** JSON text of the value: the checksum is over these very bytes. */
  readonly value: string;
}

/**
 * The agent's files in `stateDir`, one set for each network namespace. The number of a namespace changes with a reboot,
 * so that after one the only file of an earlier boot is taken. `host` is the setting: files of another host are refused.
 */
export function openStore(stateDir: string, host: string, clock: Clock): Store {
  const pathOf = (name: StateName): string => join(stateDir, `${name}-${networkNamespace()}.json`);
  return {
    read: (name) => read(pathOf(name), host, clock) ?? readEarlier(stateDir, name, host, clock),
    write: (name, value) => {
      const text = JSON.stringify(value);
      const envelope: Envelope = {
        version: VERSION,
        host,
        bootId: bootId(),
        writtenAtMs: clock.wallMs(),
        checksum: checksumOf(text),
        value: text,
      };
      makeFolder(stateDir);
      replaceFile(stateDir, pathOf(name), JSON.stringify(envelope));
    },
    remove: (name) => rmSync(pathOf(name), { force: true }),
  };
}

const checksumOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** A crash leaves the old file or the new one: the new one is on disk before it takes the name. */
function replaceFile(folder: string, path: string, text: string): void {
  const draft = `${path}.new`;
  writeFileSync(draft, text, { mode: 0o640, flush: true });
  renameSync(draft, path);
  const directory = openSync(folder, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** null: there is no such file. */
function read(path: string, host: string, clock: Clock): Stored | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    return {
      kind: 'refused',
      why: `${path} cannot be read: ${messageOf(error)}`,
    };
  }
  const envelope = text.length > FILE_LENGTH_MAX ? null : parseEnvelope(text);
  if (envelope === null || checksumOf(envelope.value) !== envelope.checksum) {
    return { kind: 'refused', why: `${path} is torn: it is not as this agent wrote it` };
  }
  if (envelope.version !== VERSION) {
    return {
      kind: 'refused',
      why: `${path} was written by another version of this agent (form ${envelope.version})`,
    };
  }
  if (envelope.host !== host) {
    return { kind: 'refused', why: `${path} was written for host ${envelope.host}, and this is ${host}` };
  }
  // A clock that was set back, or is not set yet after a boot, makes a file look younger, never older.
  const ageMs = Math.max(0, clock.wallMs() - envelope.writtenAtMs);
  return { kind: 'kept', value: JSON.parse(envelope.value), ageMs };
}

function readEarlier(stateDir: string, name: StateName, host: string, clock: Clock): Stored {
  const earlier = listFolder(stateDir)
    .filter((file) => file.startsWith(`${name}-`) && file.endsWith('.json'))
    .map((file) => join(stateDir, file))
    .filter((path) => isOfEarlierBoot(path));
  const [only, second] = earlier;
  if (only === undefined || second !== undefined) return { kind: 'none' };
  return read(only, host, clock) ?? { kind: 'none' };
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function isOfEarlierBoot(path: string): boolean {
  try {
    const envelope = parseEnvelope(readFileSync(path, 'utf8'));
    return envelope !== null && envelope.bootId !== bootId();
  } catch {
    // It went away, or may not be read: then it is not one to take over.
    return false;
  }
}

function parseEnvelope(text: string): Envelope | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Not JSON: a torn file, which the caller names.
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const {
    version,
    host,
    bootId: boot,
    writtenAtMs,
    checksum,
    value,
  } = parsed as Partial<Record<keyof Envelope, unknown>>;
  return typeof version === 'number' &&
    typeof host === 'string' &&
    typeof boot === 'string' &&
    typeof writtenAtMs === 'number' &&
    typeof checksum === 'string' &&
    typeof value === 'string'
    ? { version, host, bootId: boot, writtenAtMs, checksum, value }
    : null;
}
