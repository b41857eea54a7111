import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { END, outcomeOf, type TestEnd } from './outcomes.js';

/** How many are named at the end. */
const SLOWEST = 5;

/**
 * Runs test files under the Node that runs this: `run-files.ts OUTCOMES FILES-AT-ONCE TIMEOUT-MS FILE…`. People read what it
 * prints; OUTCOMES gets a word for each test that has ended, by which the suite is counted and is known to get on.
 */
const [outcomes = '', concurrency, timeoutMs, ...files] = process.argv.slice(2);
const tests = run({ files, concurrency: Number(concurrency), timeout: Number(timeoutMs) });
const write = (word: string): void => appendFileSync(outcomes, `${word}\n`);
/** What the tests of each file took; of a group that a helper describes only the helper's file is known, so it goes by its name. */
const tookMs = new Map<string, number>();

interface Ended extends Pick<TestEnd, 'skip' | 'todo'> {
  readonly details: { readonly type?: string; readonly duration_ms: number };
  readonly name: string;
  readonly nesting: number;
  readonly file?: string;
}

for (const type of ['test:pass', 'test:fail'] as const) {
  tests.on(type, ({ details, name, nesting, file = '', skip, todo }: Ended) => {
    const outcome = outcomeOf({ type, isSuite: details.type === 'suite', skip, todo });
    if (outcome !== null) write(outcome);
    const what = file.endsWith('.test.ts') ? relative('', file) : name;
    if (nesting === 0) tookMs.set(what, (tookMs.get(what) ?? 0) + details.duration_ms);
    // A group fails where what is done after its tests has failed.
    if (type === 'test:fail' && outcome !== 'skipped') process.exitCode = 1;
  });
}
tests.once('end', () => write(END));
process.once('exit', () => {
  for (const [what, ms] of [...tookMs].sort(([, a], [, b]) => b - a).slice(0, SLOWEST))
    process.stdout.write(`${(ms / 1000).toFixed(1).padStart(8)} s  ${what}\n`);
});
tests.compose(new spec()).pipe(process.stdout);
