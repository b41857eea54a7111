import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { memoryFolder } from './runner/memory.js';
import { installPackages, missingPackages } from './runner/packages.js';
import { type Result, skipIsFailure, summary } from './runner/result.js';
import { secondNode } from './runner/second-node.js';
import { buildIsStale, runScript } from './runner/steps.js';
import { obstacle, runSuite, skippedSuite, testFiles } from './runner/suite-run.js';
import { LONG_SUITES, SUITES, type SuiteRun, suiteRuns } from './runner/suites.js';

const USAGE = `usage: npm test [-- [--long] [SUITE]...]
Without a suite: typecheck, lint and every suite. TEST_INSTALL=1 installs the Debian packages they need (as root).`;

const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));
/** Here everything is meant to run: what is missing is installed, and a test that did not run is a failure. */
const everythingMustRun = process.env.TEST_INSTALL === '1' || process.env.CI === 'true';

/** The runs asked for on the command line, or one sentence about what is wrong with it. */
function chooseRuns(args: string[]): { runs: SuiteRun[]; named: boolean } | string {
  const { values, positionals } = parseArgs({
    args,
    options: { long: { type: 'boolean' } },
    allowPositionals: true,
  });
  const all = suiteRuns(values.long ? LONG_SUITES : SUITES, Number.parseInt(process.versions.node, 10));
  const unknown = positionals.filter((name) => !all.some((run) => run.label === name));
  if (unknown.length > 0) {
    return `No suite is called ${unknown.join(', ')}; there are ${all.map((run) => run.label).join(', ')}.`;
  }
  const chosen = positionals.length === 0 ? all : all.filter((run) => positionals.includes(run.label));
  return {
    runs: chosen.filter((run) => testFiles(projectFolder, run.suite.name).length > 0),
    named: positionals.length > 0,
  };
}

/** Typecheck and lint are for the whole project, the build for the suites that start the program. */
async function prepare(runs: readonly SuiteRun[], named: boolean): Promise<Result[]> {
  const results: Result[] = [];
  if (!named) {
    results.push(await runScript('typecheck'));
    results.push(await runScript('lint'));
  }
  if ((!named || runs.some((run) => run.suite.needsBuild)) && buildIsStale(projectFolder)) {
    results.push(await runScript('build'));
  }
  return results;
}

/** One run, or the reason why it cannot be. */
async function perform(run: SuiteRun, buildFailed: boolean, temporary: string): Promise<Result> {
  process.stdout.write(`\n${run.label}\n`);
  const reason = obstacle(run.suite, missingPackages(run.suite.needs), process.getuid?.() === 0);
  if (reason !== null) return skippedSuite(projectFolder, run, reason);
  if (run.suite.needsBuild && buildFailed) return skippedSuite(projectFolder, run, 'the build failed');
  if (run.node === 'this') return runSuite(projectFolder, run, process.execPath, temporary);
  const second = await secondNode(projectFolder);
  return second.ok
    ? runSuite(projectFolder, run, second.program, temporary)
    : skippedSuite(projectFolder, run, second.reason);
}

/** Everything in its order; suites run one after the other, since User-mode Linux guests fill both cores. */
async function runAll(runs: readonly SuiteRun[], named: boolean): Promise<Result[]> {
  if (everythingMustRun) await installPackages([...new Set(runs.flatMap((run) => run.suite.needs))]);
  const results = await prepare(runs, named);
  const buildFailed = results.some((result) => result.label === 'build' && result.failed > 0);
  const temporary = memoryFolder();
  for (const run of runs) results.push(await perform(run, buildFailed, temporary));
  return everythingMustRun ? results.map(skipIsFailure) : results;
}

async function main(): Promise<number> {
  const choice = chooseRuns(process.argv.slice(2));
  if (typeof choice === 'string') {
    process.stderr.write(`${choice}\n${USAGE}\n`);
    return 64;
  }
  const results = await runAll(choice.runs, choice.named);
  process.stdout.write(`\n${summary(results)}\n`);
  return results.some((result) => result.failed > 0) || !results.some((result) => result.passed > 0) ? 1 : 0;
}

process.exitCode = await main();
