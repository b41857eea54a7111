import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BUGS, type Bug } from './bugs.js';
import { reportOf } from './report.js';
import { type Run, simulate } from './simulate.js';

const USAGE = `usage: npm run simulate -- [--seeds N] [--from N] [--processes N] [--bug NAME] | --seed N [--bug NAME]
Bugs: ${BUGS.map(({ name }) => name).join(', ')}.`;

/** What one process has seen. */
interface Tally {
  seeds: number;
  operations: number;
  passes: number;
  starts: number;
  readonly failed: number[];
}

const noTally = (): Tally => ({ seeds: 0, operations: 0, passes: 0, starts: 0, failed: [] });

function add(tally: Tally, { seed, fault, counts }: Run): void {
  tally.seeds += 1;
  tally.operations += counts.operations;
  tally.passes += counts.passes;
  tally.starts += counts.starts;
  if (fault !== null) tally.failed.push(seed);
}

/** Runs the seeds `from`, `from + step`, … below `end`, and tells of each that fails. */
async function runSeeds(from: number, end: number, step: number, bug: Bug | undefined): Promise<Tally> {
  const tally = noTally();
  for (let seed = from; seed < end; seed += step) {
    const run = await simulate(seed, bug === undefined ? {} : { bug });
    add(tally, run);
    if (run.fault !== null) process.stdout.write(`seed ${seed}: ${run.fault}\n`);
  }
  return tally;
}

/** Runs the seeds spread over several processes. */
async function runEverywhere(from: number, seeds: number, processes: number, bug?: Bug): Promise<Tally> {
  const tallies = await Promise.all(
    Array.from({ length: processes }, (_, at) => {
      const args = ['--from', `${from + at}`, '--seeds', `${seeds - at}`, '--step', `${processes}`];
      const child = fork(fileURLToPath(import.meta.url), [
        ...args,
        ...(bug === undefined ? [] : ['--bug', bug.name]),
      ]);
      return new Promise<Tally>((settle, fail) => {
        let tally: Tally | null = null;
        child.on('message', (message: Tally) => {
          tally = message;
        });
        child.on('exit', (code) =>
          tally === null ? fail(new Error(`a process ended with ${code}`)) : settle(tally),
        );
      });
    }),
  );
  return tallies.reduce((sum, one) => ({
    seeds: sum.seeds + one.seeds,
    operations: sum.operations + one.operations,
    passes: sum.passes + one.passes,
    starts: sum.starts + one.starts,
    failed: [...sum.failed, ...one.failed].sort((a, b) => a - b),
  }));
}

const number = { type: 'string' } as const;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { seed: number, seeds: number, from: number, processes: number, step: number, bug: number },
  });
  const bug = BUGS.find(({ name }) => name === values.bug);
  const [from, seeds, processes] = [values.from ?? '1', values.seeds ?? '1000', values.processes ?? '2'].map(
    Number,
  );
  const isWrong = [from, seeds, processes, Number(values.seed ?? 1)].some((one) => !Number.isInteger(one));
  if (
    from === undefined ||
    seeds === undefined ||
    processes === undefined ||
    isWrong ||
    (values.bug && !bug)
  ) {
    process.stderr.write(`${USAGE}\n`);
    return 64;
  }
  if (values.seed !== undefined) return replay(Number(values.seed), bug);
  if (values.step !== undefined) {
    process.send?.(await runSeeds(from, from + seeds, Number(values.step), bug));
    return 0;
  }
  const tally = await runEverywhere(from, seeds, processes, bug);
  const { operations, passes, starts, failed } = tally;
  process.stdout.write(
    `${tally.seeds} seeds, ${passes} passes, ${operations} operations, ${starts} starts of the agent: ${failed.length} failed\n`,
  );
  const [first] = failed;
  return first === undefined ? 0 : replay(first, bug);
}

async function replay(seed: number, bug: Bug | undefined): Promise<number> {
  const run = await simulate(seed, bug === undefined ? {} : { bug });
  const text = run.fault === null ? `seed ${seed}: nothing is wrong` : await reportOf(run, bug);
  process.stdout.write(`${text}\n`);
  return run.fault === null ? 0 : 1;
}

process.exitCode = await main();
