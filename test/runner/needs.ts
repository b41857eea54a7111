import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Need } from './suites.js';

/** An ordinary user's PATH often lacks these, and `ip`, `nft` and `insmod` live there. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];

/** The folders in which programs are looked for: those of `path` (as in PATH) and the system's own. */
export const searchFolders = (path: string): string[] => [
  ...new Set([...path.split(':').filter((folder) => folder !== ''), ...SYSTEM_FOLDERS]),
];

/** Whether `need` is there. Never throws. */
export function isPresent(need: Need, path: string): boolean {
  if ('file' in need) return fileExists(need.file);
  return searchFolders(path).some((folder) => isExecutable(join(folder, need.command)));
}

/** `linux.uml (Debian package user-mode-linux)`. */
export function describeNeed(need: Need): string {
  return `${'file' in need ? need.file : need.command} (Debian package ${need.package})`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Segment by segment, so that a `*` may stand for the folder of any version. */
function fileExists(pattern: string): boolean {
  const found = pattern
    .split('/')
    .filter((segment) => segment !== '')
    .reduce<string[]>((folders, segment) => folders.flatMap((folder) => children(folder, segment)), ['/']);
  return found.length > 0;
}

function children(folder: string, segment: string): string[] {
  if (segment !== '*') return existsSync(join(folder, segment)) ? [join(folder, segment)] : [];
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}
