import { chmodSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The inode of the network namespace, as `/proc/self/ns/net` tells it: one host may have several agents. */
function networkNamespace(): string {
  const link = readlinkSync('/proc/self/ns/net');
  return /\[(\d+)\]/.exec(link)?.[1] ?? 'unknown';
}

/** Path of the control socket of the agent that serves this network namespace. */
export const controlPath = (runDir: string): string => join(runDir, `control-${networkNamespace()}.sock`);

/** Path of a file of this network namespace's agent that outlives it. */
export const statePath = (stateDir: string, name: string): string =>
  join(stateDir, `${name}-${networkNamespace()}.json`);

/** Makes the folder of a path that the agent is about to write into. Throws what the file system says. */
export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o755 });
}

/** Reads a JSON file of the agent's own; null when there is none. Throws when it is there and unreadable. */
export function readState(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Replaces a file as a whole: a reader, or the next start after a crash, sees the old or the new one. */
export function writeState(path: string, value: unknown): void {
  const draft = `${path}.new`;
  writeFileSync(draft, JSON.stringify(value), { mode: 0o640, flush: true });
  renameSync(draft, path);
}

/** Removes a file if it is there. */
export const removeState = (path: string): void => rmSync(path, { force: true });

/** The control socket lets its group accept removals, nobody else. */
export const restrict = (path: string): void => chmodSync(path, 0o660);
