import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, type Stats } from 'node:fs';

/** O_PATH, which Node does not name: to go through a folder one need not be able to list it. */
const STEP = 0o10000000 | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** As many as the kernel follows in one path. */
const LINKS_MAX = 40;

/**
 * Does some work in a folder, which it is given as a path that stays that very folder's. It is opened step by step: a link on
 * the way is followed only in a folder where nobody but root and this process's user can have put it, since another user's
 * link would lead a file of ours to a place of his choice. Throws what the file system says, with the folder's name.
 */
export function inFolder(path: string, work: (folder: string) => void): void {
  const fd = openFolder(path);
  try {
    work(pathOf(fd));
  } catch (error) {
    throw named(error, fd);
  } finally {
    closeSync(fd);
  }
}

/** As `inFolder`, for work that takes its time. */
export async function inFolderMeanwhile(
  path: string,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const fd = openFolder(path);
  try {
    await work(pathOf(fd));
  } catch (error) {
    throw named(error, fd);
  } finally {
    closeSync(fd);
  }
}

function openFolder(path: string): number {
  let fd = openSync(path.startsWith('/') ? '/' : '.', STEP);
  const enter = (step: string): void => {
    const next = openSync(step, STEP);
    closeSync(fd);
    fd = next;
  };
  try {
    const names = namesOf(path);
    for (let name = names.shift(), links = 0; name !== undefined; name = names.shift()) {
      const step = `${pathOf(fd)}/${name}`;
      if (lstatSync(step).isSymbolicLink()) {
        links += 1;
        if (links > LINKS_MAX) throw new Error(`there are too many links on the way to ${path}`);
        if (!isOurs(fstatSync(fd))) throw new Error(`${step} is a link that another user may have put there`);
        const target = readlinkSync(step);
        names.unshift(...namesOf(target));
        if (target.startsWith('/')) enter('/');
      } else enter(step);
    }
    return fd;
  } catch (error) {
    const told = named(error, fd);
    closeSync(fd);
    throw told;
  }
}

/** What was thrown, with the folder's name in place of the number that it is open under. */
function named(error: unknown, fd: number): unknown {
  if (error instanceof Error) error.message = error.message.replaceAll(pathOf(fd), readlinkSync(pathOf(fd)));
  return error;
}

const pathOf = (fd: number): string => `/proc/self/fd/${fd}`;
const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '');

/** Whether only root and this process's user may put something there. */
function isOurs({ uid, gid, mode }: Stats): boolean {
  const isGroupOurs = (mode & 0o020) === 0 || gid === 0 || gid === process.getegid?.();
  return (uid === 0 || uid === process.geteuid?.()) && (mode & 0o002) === 0 && isGroupOurs;
}
