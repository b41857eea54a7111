import { appendFileSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { END, outcomeOf, type TestEnd } from './outcomes.js';

/**
 * Runs test files under the Node that runs this: `run-files.ts OUTCOMES FILES-AT-ONCE TIMEOUT-MS FILE…`. People read what it
 * prints; OUTCOMES gets a word for each test that has ended, by which the suite is counted and is known to get on.
 */
const [outcomes = '', concurrency, timeoutMs, ...files] = process.argv.slice(2);
const tests = run({ files, concurrency: Number(concurrency), timeout: Number(timeoutMs) });
const write = (word: string): void => appendFileSync(outcomes, `${word}\n`);

for (const type of ['test:pass', 'test:fail'] as const) {
  tests.on(
    type,
    ({ details, skip, todo }: { details: { type?: string } } & Pick<TestEnd, 'skip' | 'todo'>) => {
      const outcome = outcomeOf({ type, isSuite: details.type === 'suite', skip, todo });
      if (outcome !== null) write(outcome);
      // A group fails where what is done after its tests has failed.
      if (type === 'test:fail' && outcome !== 'skipped') process.exitCode = 1;
    },
  );
}
tests.once('end', () => write(END));
tests.compose(new spec()).pipe(process.stdout);
