import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { privateFolder, removeFolder } from './servers.js';
import { CACHE } from './unpacked.js';

/**
 * A data folder that is made once for each version of a server and each user, kept in the cache of the tests, and copied by each
 * test that starts a server. `make` fills `data`; `folder` around it is its own.
 */
export function template(version: string, make: (folder: string, data: string) => void): string {
  const kept = join(CACHE, 'data', `${version}-${process.getuid?.()}`);
  if (existsSync(kept)) return kept;
  const folder = privateFolder('template');
  const data = join(folder, 'data');
  make(folder, data);
  mkdirSync(dirname(kept), { recursive: true });
  const copy = mkdtempSync(`${kept}.`);
  copyFolder(data, copy);
  removeFolder(folder);
  // Another process may have been first: then its folder is as good.
  try {
    renameSync(copy, kept);
  } catch (error) {
    if (!existsSync(kept)) throw error;
    rmSync(copy, { recursive: true });
  }
  return kept;
}

export const copyFolder = (from: string, to: string): void =>
  cpSync(from, to, { recursive: true, preserveTimestamps: true });

/** What a program says to `--version`, as the name of a folder. */
export const programVersion = (program: string): string =>
  execFileSync(program, ['--version'], { encoding: 'utf8' })
    .trim()
    .replace(/^.*\/|[^\w.+~-]+/g, '-')
    .replace(/^-+/, '');
