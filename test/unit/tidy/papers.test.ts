import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { makeProgram } from '../../../src/commands/program.js';
import { EXIT } from '../../../src/model/exit-codes.js';
import { commandFindings, linkFindings, roomFindings, scenarioFindings } from './paper-rules.js';
import { assertNone, projectFiles, projectFolder } from './repository.js';

const isThere = (path: string): boolean => existsSync(join(projectFolder, path));
const nobody = async (): Promise<void> => {};
const program = makeProgram({ withSettings: nobody, withoutPassword: nobody, withoutSettings: nobody });
/** `status`, `schema check`; a group alone is no command. */
const namesOf = (command: Command): string[] =>
  command.commands.flatMap((one) =>
    one.commands.length === 0 ? [one.name()] : namesOf(one).map((name) => `${one.name()} ${name}`),
  );

test('a link that leads nowhere is found, and a heading that is none', () => {
  const files = new Map([
    ['README.md', '[a](etc/README.md) [b](etc/none) [c](etc/README.md#for-me) [d](etc/README.md#for-you)'],
    ['etc/README.md', '# For me\n'],
  ]);
  assert.deepEqual(
    linkFindings(files, (path) => files.has(path)),
    [
      'README.md links to etc/none, which is not there.',
      'README.md links to #for-you, which is no heading of etc/README.md.',
    ],
  );
});

test('a file that is named and not there, a situation nobody tells of, and a command there is not are found', () => {
  assert.equal(roomFindings('`agent/none.ts` and `agent/`', (path) => path === 'src/agent/').length, 1);
  assert.equal(
    scenarioFindings(
      new Map([
        ['test/a.json', ['Oracle S01', 'S99: x'].join(', ')],
        ['test/README.md', '| S01 | x |'],
      ]),
    ).length,
    1,
  );
  const papers = new Map([
    ['README.md', '`quantum-linuxbridge-agent --config-file FILE statuses` quantum-linuxbridge-agent status'],
  ]);
  assert.equal(commandFindings(papers, new Set(['status'])).length, 1);
});

test('every link of a paper leads somewhere', () => {
  assertNone(linkFindings(projectFiles(), isThere));
});

test('every file and folder that the tour of the code names is there', () => {
  assertNone(roomFindings(projectFiles().get('src/README.md') ?? '', isThere));
});

test('every situation that a test cites can be looked up', () => {
  assertNone(scenarioFindings(projectFiles()));
});

test('every command that a paper names is there', () => {
  assertNone(commandFindings(projectFiles(), new Set(namesOf(program))));
});

test('the manual has every command and every exit code, and no other', () => {
  const manual = projectFiles().get('etc/README.md') ?? '';
  const table = manual.slice(manual.indexOf('## Exit codes'));
  const codes = [...table.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  assert.deepEqual(codes, Object.values(EXIT));
  const text = [...projectFiles()]
    .filter(([path]) => path.endsWith('.md'))
    .map(([, paper]) => paper)
    .join('\n');
  assertNone(namesOf(program).filter((name) => !new RegExp(`\\b${name}\\b`).test(text)));
});
