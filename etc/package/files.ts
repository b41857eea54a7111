import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** A folder that a package is made of; what is put into it has rights of its own, whatever the umask. */
export interface Root {
  readonly folder: string;
  write(path: string, content: string | Uint8Array, mode?: number): void;
  /** Copies one file. */
  copy(from: string, path: string, mode?: number): void;
}

export function rootAt(folder: string): Root {
  const place = (path: string): string => {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    return target;
  };
  return {
    folder,
    write: (path, content, mode = 0o644) => {
      const target = place(path);
      writeFileSync(target, content);
      chmodSync(target, mode);
    },
    copy: (from, path, mode = 0o644) => {
      const target = place(path);
      cpSync(from, target);
      chmodSync(target, mode);
    },
  };
}

/** The files of a folder by their paths in it, in an order that is the same everywhere. */
export const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort();

/** Whoever builds at whatever time gets the same bytes. */
export function settle(folder: string, epoch: number): void {
  for (const path of ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
    const whole = join(folder, path);
    if (statSync(whole).isDirectory()) chmodSync(whole, 0o755);
    lutimesSync(whole, epoch, epoch);
  }
}

export const md5 = (file: string): string => createHash('md5').update(readFileSync(file)).digest('hex');
