import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNone, projectFiles } from './repository.js';
import { documentFindings, machinePathFindings, titleFindings, topLevelFindings } from './text-rules.js';

const texts = (...paths: string[]): Map<string, string> => new Map(paths.map((path) => [path, '']));
/** Joined here, so that this file does not hold what it looks for. */
const machinePath = (...parts: string[]): string => ['', ...parts].join('/');

test('an entry that is not in the layout is found, and one that is missing', () => {
  const found = topLevelFindings(
    texts('notes.txt', 'scripts/a.ts', '.editorconfig', 'tsconfig.page.json', 'src/cli.ts'),
  );
  assert.ok(found.includes('notes.txt is not in the layout: move it into one of its folders.'));
  assert.ok(found.includes('scripts is not in the layout: move it into one of its folders.'));
  assert.ok(found.includes('LICENSE is missing at the top level.'));
  assert.equal(
    found.some((finding) => /editorconfig|tsconfig\.page|src/.test(finding)),
    false,
  );
});

test('a path of one machine is found', () => {
  for (const path of [
    machinePath('work', 'main'),
    machinePath('root', '.npmrc'),
    machinePath('home', 'jane', 'agent'),
    machinePath('Users', 'jane', 'agent'),
  ]) {
    assert.equal(machinePathFindings('src/a.ts', `// see ${path}`).length, 1, path);
  }
});

test('a temporary folder by its name is found outside the tests', () => {
  const text = `cd ${machinePath('tmp', 'build')}`;
  assert.equal(machinePathFindings('README.md', text).length, 1);
  assert.deepEqual(machinePathFindings('test/support/guest.ts', text), []);
});

test('a test may invent a home, but not name where it was written', () => {
  const found = (...parts: string[]): number =>
    machinePathFindings('test/unit/a.test.ts', machinePath(...parts)).length;
  assert.equal(found('home', 'jane', 'agent'), 0);
  assert.equal(found('work', 'main'), 1);
});

test('paths inside a project or an address are no paths of a machine', () => {
  for (const text of [
    `.${machinePath('work', 'notes')}`,
    `https://example.org${machinePath('work', 'notes')}`,
    '../home/jane/x',
    'root=/dev/root ro',
  ]) {
    assert.deepEqual(machinePathFindings('README.md', text), []);
  }
});

test('a document has one title, and a comment in an example is none', () => {
  assert.deepEqual(titleFindings('README.md', '# Title\n\n## Part\n\n```sh\n# a comment\n```\n'), []);
  assert.equal(titleFindings('README.md', '## Part\n').length, 1);
  assert.equal(titleFindings('README.md', '# One\n\n# Two\n').length, 1);
});

test('a document that is named must be there', () => {
  assert.deepEqual(
    documentFindings(new Map([['README.md', 'See etc/README.md, https://example.org/x.md.']])),
    [],
  );
  assert.equal(documentFindings(new Map([['src/a.ts', ['// see NOTES', 'md'].join('.')]])).length, 1);
});

test('the top level is as the layout has it', () => {
  assertNone(topLevelFindings(projectFiles()));
});

test('no file names a path of one machine', () => {
  assertNone([...projectFiles()].flatMap(([path, text]) => machinePathFindings(path, text)));
});

test('every document has exactly one title', () => {
  assertNone([...projectFiles()].flatMap(([path, text]) => titleFindings(path, text)));
});

test('no file sends its reader to a document that is not there', () => {
  assertNone(documentFindings(projectFiles()));
});
