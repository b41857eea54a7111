import { closeSync, constants, lstatSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { inFolder } from './in-folder.js';

/** A new file, whatever is in the way: a link that somebody has put there leads nowhere. */
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Writes a file as a whole or not at all, also in a folder of another user: a crash leaves the old file or the new one,
 * which is on disk before it takes the name. Refuses to take the place of anything but a regular file. Throws what the
 * file system says.
 */
export const replaceFile = (path: string, text: string, mode: number): void =>
  inFolder(dirname(path), (folder) => replaceIn(join(folder, basename(path)), text, mode));

function replaceIn(path: string, text: string, mode: number): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile())
    throw new Error(`${path} is no regular file, but a link or the like`);
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  const fd = openSync(draft, NEW, mode);
  try {
    writeFileSync(fd, text, { flush: true });
  } finally {
    closeSync(fd);
  }
  renameSync(draft, path);
}
