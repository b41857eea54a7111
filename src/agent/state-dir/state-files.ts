import { closeSync, fsyncSync, openSync } from 'node:fs';
import { open, rm, stat, utimes } from 'node:fs/promises';
import { replaceFile, replaceFileMeanwhile } from '../../files/replace-file.js';
import type { Clock, StateName } from '../../model/index.js';
import { makeFolder } from './folders.js';
import type { StateFiles } from './state-queue.js';

const MODE = 0o640;

/** The real files. A power cut leaves each under the name that it was given. */
export function stateFiles(
  stateDir: string,
  pathOf: (name: StateName) => string,
  textOf: (value: unknown) => string,
  clock: Clock,
): StateFiles {
  return {
    place: stateDir,
    write: async (name, value) => {
      // The disk has answered then: to find the folder, and to make it, does not hang. What is wrong with it is told by that.
      await stat(stateDir).catch(() => {});
      makeFolder(stateDir);
      await replaceFileMeanwhile(pathOf(name), textOf(value), MODE);
      await flushFolderMeanwhile(stateDir);
    },
    remove: (name) => rm(pathOf(name), { force: true }),
    touch: async () => {
      const nowS = clock.wallMs() / 1000;
      await utimes(stateDir, nowS, nowS);
      await flushFolderMeanwhile(stateDir);
    },
    writeSync: (name, value) => {
      makeFolder(stateDir);
      replaceFile(pathOf(name), textOf(value), MODE);
      flushFolder(stateDir);
    },
  };
}

function flushFolder(folder: string): void {
  const directory = openSync(folder, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

async function flushFolderMeanwhile(folder: string): Promise<void> {
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
