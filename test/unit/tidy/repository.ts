import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Files by their path from the project's folder, with `/` between the parts. */
export type Files = ReadonlyMap<string, string>;

export const projectFolder = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Everything that belongs to the project as text: what git would list, had it been asked to add it all. */
export function projectFiles(): Files {
  const ignored = readFileSync(join(projectFolder, '.gitignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return new Map(
    listFiles('', ignored).map((path) => [path, readFileSync(join(projectFolder, path), 'utf8')]),
  );
}

/** Only the TypeScript files. */
export const typescriptFiles = (files: Files): Files =>
  new Map([...files].filter(([path]) => path.endsWith('.ts')));

/** Fails with all findings, one a line. */
export function assertNone(findings: readonly string[]): void {
  if (findings.length > 0) assert.fail(`\n${findings.join('\n')}`);
}

function listFiles(folder: string, ignored: readonly string[]): string[] {
  return readdirSync(join(projectFolder, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.name === '.git' || ignored.some((pattern) => matches(path, pattern))) return [];
    if (entry.isDirectory()) return listFiles(path, ignored);
    return entry.isFile() ? [path] : [];
  });
}

/** The forms of a line of .gitignore that the project uses: a folder, and a name that begins with `*`. */
function matches(path: string, pattern: string): boolean {
  if (pattern.endsWith('/')) return `/${path}/`.includes(`/${pattern}`);
  return pattern.startsWith('*') ? path.endsWith(pattern.slice(1)) : path === pattern;
}
