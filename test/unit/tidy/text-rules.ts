import { basename } from 'node:path/posix';
import type { Files } from './repository.js';

/** Top level, as the layout has it. */
const TOP_LEVEL_REQUIRED = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'biome.json',
  'build.mjs',
  'src',
  'migrations',
  'test',
  'etc',
];
const TOP_LEVEL_DOCUMENTS = [
  'docker-compose.yml',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  '.ci',
];

/** What is missing at the top of the project, and what does not belong there. Dot files are free. */
export function topLevelFindings(files: Files): string[] {
  const present = new Set([...files.keys()].map((path) => path.split('/')[0] ?? path));
  const required = [...TOP_LEVEL_REQUIRED, ...TOP_LEVEL_DOCUMENTS];
  const missing = required
    .filter((name) => !present.has(name))
    .map((name) => `${name} is missing at the top level.`);
  const strange = [...present]
    .filter(
      (name) => !required.includes(name) && !name.startsWith('.') && !/^tsconfig\.\w+\.json$/.test(name),
    )
    .map((name) => `${name} is not in the layout: move it into one of its folders.`);
  return [...missing, ...strange];
}

/** Folders that exist only where somebody happened to work. */
const WORK_PATH = /(?<![\w.$}-])\/(?:work|root)\/[\w.-]+/;
/** Tests may invent a user's home; nothing else has a reason to. */
const HOME_PATH = /(?<![\w.$}-])\/(?:home|Users)\/\w+\/[\w.-]+/;
/** Tests in a User-mode Linux guest have a /tmp of their own; everything else asks the system for its folder. */
const TEMPORARY_PATH = /(?<![\w.$}-])\/tmp\/[\w.-]+/;

/** Paths of the machine on which a file was written. */
export function machinePathFindings(path: string, text: string): string[] {
  const rules = path.startsWith('test/') ? [WORK_PATH] : [WORK_PATH, HOME_PATH, TEMPORARY_PATH];
  return text.split('\n').flatMap((line, index) =>
    rules.flatMap((rule) => {
      const found = rule.exec(line)?.[0];
      return found === undefined
        ? []
        : [
            `${path}:${index + 1} names ${found}, a path of one machine: name it relative to the project, or ask the system.`,
          ];
    }),
  );
}

/** A Markdown file has exactly one title: one heading of the first level. */
export function titleFindings(path: string, text: string): string[] {
  if (!path.endsWith('.md')) return [];
  const titles = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').match(/^# \S/gm) ?? [];
  return titles.length === 1
    ? []
    : [`${path} has ${titles.length} titles (lines that begin with "# "): it needs exactly one.`];
}

/** Documents that a file sends its reader to and that are not in the project. */
export function documentFindings(files: Files): string[] {
  const known = new Set([...files.keys()].map((path) => basename(path)));
  return [...files].flatMap(([path, text]) =>
    [...text.matchAll(/(?<![\w/:.-])(?:\.{0,2}\/)*[\w/-]+\.md\b/g)]
      .filter((match) => !known.has(basename(match[0])))
      .map((match) => `${path} names ${match[0]}, which is not in the project: say what it says instead.`),
  );
}
