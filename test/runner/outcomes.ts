/** The last line: without it the run was cut short. */
export const END = 'end';

/** What node:test tells of a test that has ended, as far as it is counted. */
export interface TestEnd {
  readonly type: 'test:pass' | 'test:fail';
  readonly isSuite: boolean;
  readonly skip: string | boolean | undefined;
  readonly todo: string | boolean | undefined;
}

/** How it ended; null for a group of tests. A `todo` is a test that was not run. */
export function outcomeOf({ type, isSuite, skip = false, todo = false }: TestEnd): keyof Tally | null {
  if (isSuite) return null;
  if (skip !== false || todo !== false) return 'skipped';
  return type === 'test:pass' ? 'passed' : 'failed';
}

/** How many tests ended how. */
export type Tally = Readonly<Record<'passed' | 'failed' | 'skipped', number>>;

/** Counts the lines that `run-files.ts` has written; null when it did not get to its end. */
export function readTally(written: string): Tally | null {
  const words = written.split('\n').filter((line) => line !== '');
  if (words.at(-1) !== END) return null;
  const count = (word: string): number => words.filter((one) => one === word).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}
