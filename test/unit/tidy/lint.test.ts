import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { projectFolder } from './repository.js';

/** What the linter is asked to find in src besides its own recommendations; a comment that silences it says why. */
const BAD: readonly [path: string, text: string, rule: string][] = [
  ['src/agent/a.ts', "console.log('x');", 'noConsole'],
  ['src/agent/a.ts', "globalThis.console.log('x');", 'noConsole'],
  ['src/agent/a.ts', 'export const home = process.env.HOME;', 'noJsRestrictedProperties'],
  ['src/agent/a.ts', "export const home = process['env'];", 'noJsRestrictedProperties'],
  ['src/agent/a.ts', 'export const { env } = process;', 'noJsRestrictedProperties'],
  ['src/agent/a.ts', "export { env } from 'node:process';", 'noRestrictedImports'],
  ['src/agent/a.ts', "export { execFile } from 'node:child_process';", 'noRestrictedImports'],
  ['src/agent/a.ts', "export const started = await import('child_process');", 'noRestrictedImports'],
  ['src/agent/a.ts', 'export const now = Date.now();', 'noJsRestrictedProperties'],
  ['src/agent/a.ts', 'export const clock = Date.now;', 'noJsRestrictedProperties'],
  ['src/agent/a.ts', 'export const now = new Date();', 'plugin'],
  ['src/agent/a.ts', 'export const now = Date();', 'plugin'],
  ['src/agent/a.ts', 'export const now = performance.now();', 'noJsRestrictedProperties'],
  ['src/agent/a.ts', "export { performance } from 'node:perf_hooks';", 'noRestrictedImports'],
  ['src/agent/a.ts', 'export const now = process.hrtime.bigint();', 'noJsRestrictedProperties'],
  ['src/agent/a.ts', 'setInterval(look, 1000);', 'noRestrictedGlobals'],
  ['src/agent/a.ts', 'setTimeout(look, 1000);', 'noRestrictedGlobals'],
  ['src/agent/a.ts', 'globalThis.setTimeout(look, 1000);', 'noJsRestrictedProperties'],
  ['src/agent/a.ts', "export { setTimeout } from 'node:timers/promises';", 'noRestrictedImports'],
  ['src/agent/a.ts', 'export const signal = AbortSignal.timeout(1000);', 'noJsRestrictedProperties'],
  ['src/agent/a.ts', 'export const x = Math.random();', 'noJsRestrictedProperties'],
  ['src/agent/a.ts', "eval('1');", 'noGlobalEval'],
  ['src/agent/a.ts', "export const f = new Function('return 1');", 'noRestrictedGlobals'],
  ['src/agent/a.ts', 'export const x = y as any;', 'noExplicitAny'],
  ['src/agent/a.ts', 'export const x = y!.z;', 'noNonNullAssertion'],
  ['src/agent/a.ts', '// @ts-ignore\nexport const x = y;', 'noTsIgnore'],
  ['src/reconcile/plan/a.ts', 'export const { pid } = process;', 'noProcessGlobal'],
  ['test/unit/a.test.ts', "test.only('x', () => look());", 'noFocusedTests'],
  ['test/unit/a.test.ts', "describe.skip('x', () => look());", 'noSkippedTests'],
];

/** What looks alike and is right. */
const GOOD: readonly [path: string, text: string][] = [
  ['src/agent/a.ts', "logger.info('console.log and Date.now() in a text');"],
  ['src/agent/a.ts', '// process.env, eval("x") and y!.z in a comment\nlook();'],
  ['src/agent/a.ts', 'export const at = new Date(wallMs);\nsocket.setTimeout(5);'],
  ['src/agent/a.ts', 'export const { pid } = process;'],
  ['test/support/wait.ts', 'export const now = Date.now();'],
];

const folder = mkdtempSync(join(tmpdir(), 'lint-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The rules that find something in each text; the linter runs once for all of them. */
function lint(samples: readonly (readonly [path: string, text: string, ...rest: string[]])[]): string[][] {
  cpSync(join(projectFolder, 'biome.json'), join(folder, 'biome.json'));
  const plugin = join('test', 'unit', 'tidy', 'no-date.grit');
  mkdirSync(dirname(join(folder, plugin)), { recursive: true });
  cpSync(join(projectFolder, plugin), join(folder, plugin));
  const paths = samples.map(([path, text], index) => {
    const name = path.replace('/a.', `/sample${index}.`);
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), `${text}\n`);
    return name;
  });
  const biome = join(projectFolder, 'node_modules', '.bin', 'biome');
  const args = ['lint', '--reporter=json', '--max-diagnostics=none', '--diagnostic-level=error', '.'];
  const { stdout, stderr } = spawnSync(biome, args, { cwd: folder, encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { category: string; location: { path: string } }[];
  };
  return paths.map((name) =>
    diagnostics
      .filter(({ location }) => location.path === name)
      .map(({ category }) => category.split('/').at(-1) ?? category),
  );
}

const found = lint([...BAD, ...GOOD]);

for (const [index, [path, text, rule]] of BAD.entries()) {
  test(`the linter finds ${JSON.stringify(text).slice(0, 60)} in ${path}`, () =>
    assert.deepEqual(found[index], [rule]));
}

for (const [index, [path, text]] of GOOD.entries()) {
  test(`the linter allows ${JSON.stringify(text).slice(0, 60)} in ${path}`, () =>
    assert.deepEqual(found[BAD.length + index], []));
}
