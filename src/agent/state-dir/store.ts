import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { readRegularFile } from '../../files/read-file.js';
import {
  type AgentEvent,
  type Clock,
  errorCodeOf,
  messageOf,
  type StateKind,
  type StateName,
  type Store,
  type Stored,
  type StoreReader,
} from '../../model/index.js';
import { networkNamespace, removeFile } from './folders.js';
import { checkJson } from './foreign.js';
import { stateFiles } from './state-files.js';
import { type KeepingEvent, startStateQueue } from './state-queue.js';

/** Files of another version are refused: their meaning may have changed. */
const VERSION = 1;
/** A file of the agent's own is far smaller; a larger one is somebody else's. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** What is in the envelope is checked by who knows it. */
const UNCHECKED = v.unknown();

/** What a file holds. */
const ENVELOPE = v.object({
  version: v.number(),
  host: v.string(),
  bootId: v.string(),
  writtenAtMs: v.number(),
  checksum: v.string(),
  /** JSON text of the value: the checksum is over these very bytes. */
  value: v.string(),
});
type Envelope = v.InferOutput<typeof ENVELOPE>;

/** A file that was found to be of no use, or whether the state is kept. */
export type StateEvent = Extract<AgentEvent, { kind: 'state-unusable' }> | KeepingEvent;

/**
 * The agent's files in `stateDir`, one set for each network namespace, to look at. The number of a namespace changes with a
 * reboot, so that after one the only file of an earlier boot is taken. `host` is the setting: files of another host are refused.
 */
export function lookIntoStore(stateDir: string, host: string, clock: Clock): StoreReader {
  return {
    read: (kind) => {
      const found = find(stateDir, kind, host, clock);
      return found.kind === 'unusable' ? { kind: 'refused', why: found.why } : found;
    },
  };
}

/** The files of `state_dir` to read and keep, for who holds the one-agent lock. `tell` hears of each that cannot be used, once. */
export function openStore(
  stateDir: string,
  host: string,
  clock: Clock,
  tell: (event: StateEvent) => void,
): Store {
  const textOf = (value: unknown): string => textIn({ host, writtenAtMs: clock.wallMs() }, value);
  const pathOf = (name: StateName): string => pathIn(stateDir, name);
  return {
    ...startStateQueue(stateFiles(stateDir, pathOf, textOf, clock), clock, tell),
    read: (kind) => {
      const found = find(stateDir, kind, host, clock);
      // Who reads the others says what came of them.
      if (found.kind === 'refused' && kind.name === 'guard')
        tell({ kind: 'state-unusable', why: found.why, putAsideAs: null });
      if (found.kind !== 'unusable') return found;
      tell({ kind: 'state-unusable', ...putAside(stateDir, kind.name, found, clock) });
      return { kind: 'refused', why: found.why };
    },
  };
}

const pathIn = (stateDir: string, name: StateName): string =>
  join(stateDir, `${name}-${networkNamespace()}.json`);
const checksumOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** What a file says of a value. */
function textIn(about: Pick<Envelope, 'host' | 'writtenAtMs'>, value: unknown): string {
  const text = JSON.stringify(value);
  const envelope: Envelope = {
    version: VERSION,
    ...about,
    bootId: bootId(),
    checksum: checksumOf(text),
    value: text,
  };
  return JSON.stringify(envelope);
}

/** As `Stored`; `unusable`: no version of this agent that we know has written the file as it is. */
type Found<Value> =
  | Stored<Value>
  | { readonly kind: 'unusable'; readonly path: string; readonly why: string };

function find<Value>(stateDir: string, kind: StateKind<Value>, host: string, clock: Clock): Found<Value> {
  try {
    const own = read(pathIn(stateDir, kind.name), kind, host, clock);
    if (own.kind !== 'none') return own;
    const earlier = earlierPath(stateDir, kind.name);
    return earlier === null ? own : read(earlier, kind, host, clock);
  } catch (error) {
    return { kind: 'refused', why: `${stateDir} cannot be read: ${messageOf(error)}` };
  }
}

function read<Value>(path: string, kind: StateKind<Value>, host: string, clock: Clock): Found<Value> {
  const text = readText(path);
  if (text === null) return { kind: 'none' };
  const unusable = (wrong: string): Found<Value> => ({
    kind: 'unusable',
    path,
    why: `${path} cannot be used: ${wrong}`,
  });
  const envelope = checkJson(ENVELOPE, text);
  if (!envelope.ok) return unusable(`it is torn, or not the agent's: ${envelope.wrong}`);
  const { version, checksum, value, host: writtenFor, writtenAtMs, bootId: writtenIn } = envelope.value;
  if (version !== VERSION) return unusable(`another version of this agent wrote it (form ${version})`);
  if (checksumOf(value) !== checksum) return unusable('it is torn: its checksum is wrong');
  if (writtenFor !== host) {
    return { kind: 'refused', why: `${path} was written for host ${writtenFor}, and this is ${host}` };
  }
  const state = checkJson(UNCHECKED, value);
  const checked = state.ok ? kind.check(state.value) : state;
  if (!checked.ok) return unusable(`this version of the agent does not know its form: ${checked.wrong}`);
  // A clock that was set back, or is not set yet after a boot, makes a file look younger, never older.
  const ageMs = Math.max(0, clock.wallMs() - writtenAtMs);
  return { kind: 'kept', value: checked.value, ageMs, isOfThisBoot: writtenIn === bootId() };
}

/** Nobody else has put anything among the agent's files; whatever is no regular file is not read. */
const readOwn = (path: string): string => readRegularFile(path, FILE_BYTES_MAX, 'refused').toString('utf8');

/** null: there is no such file. */
function readText(path: string): string | null {
  try {
    return readOwn(path);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** The only file of an earlier boot; null: there is none, or several. */
function earlierPath(stateDir: string, name: StateName): string | null {
  const [only = null, second] = filesOf(stateDir, name)
    .filter((path) => path.endsWith('.json'))
    .filter(isOfEarlierBoot);
  return second === undefined ? only : null;
}

function isOfEarlierBoot(path: string): boolean {
  try {
    const envelope = checkJson(ENVELOPE, readOwn(path));
    return envelope.ok && envelope.value.bootId !== bootId();
  } catch {
    // A file that went away, or may not be read, is not one to take over.
    return false;
  }
}

function filesOf(stateDir: string, name: StateName): string[] {
  try {
    return readdirSync(stateDir)
      .filter((file) => file.startsWith(`${name}-`))
      .map((file) => join(stateDir, file));
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Renames the file, so that it can be looked at and is not read again. Of each state only the newest such file is kept. */
function putAside(
  stateDir: string,
  name: StateName,
  { path, why }: Extract<Found<never>, { kind: 'unusable' }>,
  clock: Clock,
): { readonly why: string; readonly putAsideAs: string | null } {
  const time = new Date(clock.wallMs()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const aside = `${path}.damaged-${time}`;
  try {
    renameSync(path, aside);
    const older = filesOf(stateDir, name).filter((file) => file.includes('.damaged-') && file !== aside);
    for (const file of older) removeFile(file);
    return { why, putAsideAs: aside };
  } catch (error) {
    return { why: `${why}; it cannot be put aside: ${messageOf(error)}`, putAsideAs: null };
  }
}
