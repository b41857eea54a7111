import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bannedFindings } from './banned-rules.js';
import { assertNone, projectFiles, typescriptFiles } from './repository.js';
import { parse } from './syntax.js';

const findings = (path: string, text: string): string[] =>
  parse(new Map([[path, text]])).flatMap(bannedFindings);

/** Code that must be found in src/agent/, and the replacement that the finding names. */
const BAD: readonly [text: string, expected: RegExp][] = [
  ["console.log('x');", /uses console: print through Output/],
  ["globalThis.console.log('x');", /uses console/],
  ['const home = process.env.HOME;', /uses process\.env: make it a setting in src\/config/],
  ["const home = process['env'];", /uses process\.env/],
  ['const { env } = process;', /uses process\.env/],
  ["import { env } from 'node:process';", /uses process\.env/],
  ["import { execFile } from 'node:child_process';", /imports node:child_process: src\/kernel speaks/],
  ["const started = await import('child_process');", /imports child_process/],
  ['const now = Date.now();', /uses Date\.now: take the Clock/],
  ['const clock = Date.now;', /uses Date\.now/],
  ['const now = new Date();', /uses new Date\(\)/],
  ['const now = Date();', /uses new Date\(\)/],
  ['const now = performance.now();', /uses performance\.now: take the Clock/],
  ["import { performance } from 'node:perf_hooks';", /imports node:perf_hooks/],
  ['const now = process.hrtime.bigint();', /uses process\.hrtime/],
  ['setInterval(look, 1000);', /uses setInterval: arm Clock\.after again/],
  ['setTimeout(look, 1000);', /uses setTimeout: take Clock\.after/],
  ['globalThis.setTimeout(look, 1000);', /uses setTimeout/],
  ["import { setTimeout as delay } from 'node:timers/promises';", /imports node:timers\/promises/],
  ['const signal = AbortSignal.timeout(1000);', /uses AbortSignal\.timeout/],
  ["eval('1');", /uses eval: write the code down/],
  ["const f = new Function('return 1');", /uses Function/],
  ['const x = y as any;', /uses any: take unknown/],
  ['const x: any = y;', /uses any/],
  ['const x = y!.z;', /uses ! \(non-null\): handle the missing value/],
  ['// @ts-ignore', /silences the compiler/],
];

for (const [text, expected] of BAD) {
  test(`the rule finds ${text}`, () => {
    const found = findings('src/agent/sample.ts', `\n${text}\n`);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', expected);
    assert.match(found[0] ?? '', /^src\/agent\/sample\.ts:2 /);
  });
}

/** What looks alike and is right, and what is right where it stands. */
const GOOD: readonly [path: string, text: string][] = [
  ['src/agent/sample.ts', "logger.info('console.log and Date.now() in a text');"],
  ['src/agent/sample.ts', '// process.env, eval("x") and y!.z in a comment'],
  ['src/agent/sample.ts', 'const at = new Date(wallMs); socket.setTimeout(5); if (x !== y) clock.now();'],
  ['src/config/environment.ts', 'const home = process.env.HOME;'],
  ['src/agent/clock.ts', 'const now = Date.now(); const m = performance.now(); setTimeout(wake, 5);'],
  ['src/database/limit.ts', 'setTimeout(end, 5);'],
  ['test/support/wait.ts', 'const now = Date.now();'],
];

for (const [path, text] of GOOD) {
  test(`the rule allows ${text} in ${path}`, () => assert.deepEqual(findings(path, text), []));
}

test('the file for the limit of a query may wait, but not read the time', () => {
  assert.equal(findings('src/database/limit.ts', 'const now = Date.now();').length, 1);
});

test('what is pure uses neither the process nor chance', () => {
  for (const text of ['const pid = process.pid;', 'const x = Math.random();']) {
    assert.equal(findings('src/reconcile/plan.ts', text).length, 1);
    assert.deepEqual(findings('src/agent/loop.ts', text), []);
  }
});

test('nothing in src uses what is banned', () => {
  assertNone(parse(typescriptFiles(projectFiles())).flatMap(bannedFindings));
});
