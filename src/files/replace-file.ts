import {
  closeSync,
  constants,
  fchownSync,
  lstatSync,
  openSync,
  promises,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { inFolder, inFolderMeanwhile } from './in-folder.js';

/** A new file, whatever is in the way: a link that somebody has put there leads nowhere. */
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Writes a file as a whole or not at all, also in a folder of another user: a crash leaves the old file or the new one,
 * which is on disk before it takes the name. Refuses to take the place of anything but a regular file. Throws what the
 * file system says.
 */
export const replaceFile = (path: string, text: string, mode: number): void =>
  inFolder(dirname(path), (folder) => {
    const { file, draft } = placesIn(folder, path);
    rmSync(draft, { force: true });
    const fd = openSync(draft, NEW, mode);
    try {
      giveToOwnerOf(folder, fd);
      writeFileSync(fd, text, { flush: true });
    } finally {
      closeSync(fd);
    }
    renameSync(draft, file);
  });

/** As `replaceFile`, while the process goes on, however long writing takes. Not twice at once for one path. */
export const replaceFileMeanwhile = (path: string, text: string, mode: number): Promise<void> =>
  inFolderMeanwhile(dirname(path), async (folder) => {
    const { file, draft } = placesIn(folder, path);
    await promises.rm(draft, { force: true });
    const handle = await promises.open(draft, NEW, mode);
    try {
      giveToOwnerOf(folder, handle.fd);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await promises.rename(draft, file);
  });

/** Where the file is to be, and where it is written before. Throws when there is something else than a file. */
function placesIn(folder: string, path: string): { readonly file: string; readonly draft: string } {
  const file = join(folder, basename(path));
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile())
    throw new Error(`${file} is no regular file, but a link or the like`);
  return { file, draft: `${file}.new` };
}

/** What root writes in another user's folder (a command that was tried by hand), that user has to be able to read. */
function giveToOwnerOf(folder: string, fd: number): void {
  const { uid, gid } = statSync(folder);
  if (process.geteuid?.() !== 0 || uid === 0) return;
  try {
    fchownSync(fd, uid, gid);
  } catch (error) {
    // Root without CAP_CHOWN, as in a container, writes it as its own.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error;
  }
}
