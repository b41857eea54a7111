import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTally } from './outcomes.js';
import { type Ended, runBounded } from './process.js';
import { type Result, skippedResult } from './result.js';
import type { Suite, SuiteRun } from './suites.js';

/** Every `*.test.ts` of a suite, sorted, relative to the project's folder. */
export function testFiles(projectFolder: string, suite: string): string[] {
  const folder = join('test', suite);
  if (!existsSync(join(projectFolder, folder))) return [];
  return readdirSync(join(projectFolder, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .sort();
}

/** Why this suite cannot run here, in one clause; null when it can. */
export function obstacle(suite: Suite, missing: readonly string[], isRoot: boolean): string | null {
  const clauses = [...(suite.needsRoot && !isRoot ? ['root'] : []), ...missing];
  return clauses.length === 0 ? null : `needs ${clauses.join(', ')}`;
}

/** Runs one suite with `program` as its Node and counts what came of it. What its tests write is under `temporary`. */
export async function runSuite(
  projectFolder: string,
  run: SuiteRun,
  program: string,
  temporary: string,
): Promise<Result> {
  const files = testFiles(projectFolder, run.suite.name);
  const scratch = mkdtempSync(join(temporary, 'suite-'));
  const outcomesFile = join(scratch, 'outcomes');
  try {
    const ended = await runBounded(program, nodeArguments(run.suite, outcomesFile, files), {
      limitMs: run.suite.quietMinutes * 60_000,
      progress: () => statSync(outcomesFile, { throwIfNoEntry: false })?.size ?? 0,
      env: {
        ...run.suite.environment,
        TMPDIR: temporary,
        PATH: [dirname(program), process.env.PATH ?? ''].join(delimiter),
      },
    });
    return judge(run.label, ended, existsSync(outcomesFile) ? readFileSync(outcomesFile, 'utf8') : '');
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function nodeArguments(suite: Suite, outcomesFile: string, files: readonly string[]): string[] {
  // A test that hangs is named by node:test itself before the limit of the suite ends everything.
  const timeoutMs = (suite.quietMinutes * 60_000 * 9) / 10;
  const runFiles = fileURLToPath(new URL('./run-files.ts', import.meta.url));
  return ['--import=tsx', runFiles, outcomesFile, `${suite.filesAtOnce}`, `${timeoutMs}`, ...files];
}

/** Whatever went wrong besides a failing test is one failure more, with its reason. */
export function judge(label: string, ended: Ended, outcomes: string): Result {
  const tally = readTally(outcomes);
  const { passed, failed, skipped } = tally ?? { passed: 0, failed: 0, skipped: 0 };
  const troubles = [
    ...(ended.trouble === null ? [] : [ended.trouble]),
    ...(ended.leftBehind.length === 0 ? [] : [`left processes behind: ${ended.leftBehind.join('; ')}`]),
    ...(tally === null && ended.trouble === null ? ['ended without a result'] : []),
    ...(tally !== null && passed + failed + skipped === 0 ? ['no test ran'] : []),
    ...(ended.code !== 0 && ended.code !== null && failed === 0 ? [`exit code ${ended.code}`] : []),
  ];
  return {
    label,
    passed,
    failed: failed + (troubles.length > 0 ? 1 : 0),
    skipped,
    reason: troubles.join('; ') || (skipped > 0 ? 'skipped by the tests themselves' : ''),
    seconds: ended.seconds,
  };
}

/** A suite that cannot run counts as one skip per file. */
export const skippedSuite = (projectFolder: string, run: SuiteRun, reason: string): Result =>
  skippedResult(run.label, testFiles(projectFolder, run.suite.name).length, reason);
