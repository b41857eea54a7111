import { dirname, join, normalize } from 'node:path/posix';
import type { Files } from './repository.js';

const papersOf = (files: Files): [path: string, text: string][] =>
  [...files].filter(([path]) => path.endsWith('.md'));

/** Links within the project whose file, folder or heading is not there. `has` tells whether a path is in the project. */
export function linkFindings(files: Files, has: (path: string) => boolean): string[] {
  return papersOf(files).flatMap(([path, text]) =>
    [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].flatMap(([, target = '', heading]) => {
      const linked = target === '' ? path : normalize(join(dirname(path), target));
      if (!has(linked)) return [`${path} links to ${target}, which is not there.`];
      const isThere = heading === undefined || headingsOf(files.get(linked) ?? '').has(heading);
      return isThere ? [] : [`${path} links to #${heading}, which is no heading of ${linked}.`];
    }),
  );
}

/** As GitHub names them. */
const headingsOf = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

/** Files and folders of the code that src/README.md names and that are not there; paths are from src/ or from the top. */
export function roomFindings(text: string, has: (path: string) => boolean): string[] {
  return [...text.matchAll(/`((?:[\w-]+\/)+(?:[\w.-]+\.\w+)?)`/g)]
    .map(([, path = '']) => path)
    .filter((path) => !has(join('src', path)) && !has(path))
    .map((path) => `src/README.md names ${path}, which is not there.`);
}

/** Situations that a golden case or a test cites, and the table in test/README.md lacks. */
export function scenarioFindings(files: Files): string[] {
  const table = files.get('test/README.md') ?? '';
  const known = new Set([...table.matchAll(/^\| ([SV]\d+\w?) \|/gm)].map(([, id]) => id));
  return [...files]
    .filter(([path]) => path.startsWith('test/') && /\.(ts|json)$/.test(path))
    .flatMap(([path, text]) =>
      [...text.matchAll(/Oracle ((?:[SV]\d+[a-z]?(?:, )?)+)/g)]
        .flatMap(([, ids = '']) => ids.split(', '))
        .filter((id) => id !== '' && !known.has(id))
        .map((id) => `${path} cites ${id}, which test/README.md does not tell of.`),
    );
}

/** Commands that papers name and the program does not have; in code spans and blocks, after the program's name. */
export function commandFindings(files: Files, commands: ReadonlySet<string>): string[] {
  return papersOf(files).flatMap(([path, text]) =>
    [...text.matchAll(/quantum-linuxbridge-agent(?: --[\w-]+ [A-Z/][\w./-]*)* ([a-z]+(?: [a-z]+)?)/g)]
      .map(([, words = '']) => words)
      .filter((words) => !commands.has(words) && !commands.has(words.split(' ')[0] ?? ''))
      .map((words) => `${path} names the command ${words}, which there is not.`),
  );
}
