import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { privateFolder, type TestServer } from './servers.js';

const MEBIBYTE = 1024 * 1024;

/**
 * Starts a server whose files are on a small file system of their own, which a test can fill. `TMPDIR` is where every
 * helper makes its private folder; it is put back before anything else runs.
 */
export async function onSmallDisk(mebibytes: number, start: () => Promise<TestServer>): Promise<TestServer> {
  const disk = privateFolder('disk');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=755`, 'tmpfs', disk]);
  let mounted = true;
  const unmount = (): void => {
    if (mounted) execFileSync('umount', ['--lazy', disk]);
    mounted = false;
  };
  process.once('exit', unmount);
  const usual = process.env.TMPDIR;
  process.env.TMPDIR = disk;
  try {
    const server = await start();
    return {
      ...server,
      destroy: async () => {
        await server.destroy();
        unmount();
      },
    };
  } finally {
    if (usual === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = usual;
  }
}

/** Fills the small disk of a server to its last block; the result frees it. */
export function fillDisk(server: TestServer): () => void {
  const file = join(dirname(server.folder), 'filler');
  fill(file, dirname(server.folder));
  return () => rmSync(file);
}

/** Writes a file until the file system has no room for one block more. */
export function fill(file: string, folder: string): void {
  const fd = openSync(file, 'w');
  try {
    const { bavail, bsize } = statfsSync(folder);
    for (let left = bavail * bsize; left > 0; ) left -= writeSync(fd, Buffer.alloc(Math.min(left, MEBIBYTE)));
    // Whatever is freed meanwhile, down to the last byte.
    for (let block = 0; block < 1024; block++) writeSync(fd, Buffer.alloc(4096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(fd);
  }
}
