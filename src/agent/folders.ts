import { chmodSync, mkdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** The inode of the network namespace, as `/proc/self/ns/net` tells it: one host may have several agents. */
export function networkNamespace(): string {
  const link = readlinkSync('/proc/self/ns/net');
  return /\[(\d+)\]/.exec(link)?.[1] ?? 'unknown';
}

/** Path of the control socket of the agent that serves this network namespace. */
export const controlPath = (runDir: string): string => join(runDir, `control-${networkNamespace()}.sock`);

/** Makes the folder of a path that the agent is about to write into. Throws what the file system says. */
export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o755 });
}

/** Removes a file if it is there. */
export const removeFile = (path: string): void => rmSync(path, { force: true });

/** The control socket lets its group accept removals, nobody else. */
export const restrict = (path: string): void => chmodSync(path, 0o660);
