import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCodeOf } from '../../model/index.js';

/** The inode of the network namespace, as `/proc/self/ns/net` tells it: one host may have several agents. */
export function networkNamespace(): string {
  const link = readlinkSync('/proc/self/ns/net');
  return /\[(\d+)\]/.exec(link)?.[1] ?? 'unknown';
}

/** Path of the control socket of the agent that serves this network namespace. */
export const controlPath = (runDir: string): string => join(runDir, `control-${networkNamespace()}.sock`);

/**
 * Makes a folder that the agent is about to write into, and those above it. Throws what the file system says. Node's own
 * `recursive` never returns where a folder that exists answers ENOENT, as those of /proc do.
 */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o755 });
  } catch (error) {
    // The agent of another network namespace may make the same folder at this moment.
    if (errorCodeOf(error) !== 'EEXIST') throw error;
  }
}

/** The number of a file among those of its file system; null: there is none. */
export const inodeOf = (path: string): number | null =>
  lstatSync(path, { throwIfNoEntry: false })?.ino ?? null;

/** Removes a file if it is there. */
export const removeFile = (path: string): void => rmSync(path, { force: true });

/**
 * Lets a group use the control socket, and nobody else. Giving a file to a group needs root, or membership in it (in a
 * unit: SupplementaryGroups).
 */
export function restrict(path: string, group: string | null): void {
  if (group !== null) chownSync(path, -1, groupId(group));
  chmodSync(path, 0o660);
}

/** Node cannot ask the name service, so only local groups have names; any other one is named by its number. */
function groupId(group: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${group}:`));
  const id = Number(line?.split(':')[2]);
  if (Number.isInteger(id)) return id;
  throw new Error(
    `control_group ${group} is no group in /etc/group; write its number if it comes from elsewhere`,
  );
}
