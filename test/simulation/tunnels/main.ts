import { parseArgs } from 'node:util';
import { simulateTunnels } from './simulate.js';

/** `npx tsx test/simulation/tunnels/main.ts --from N --seeds M` tells of each seed that fails. */
const { values } = parseArgs({
  options: { from: { type: 'string', default: '1' }, seeds: { type: 'string', default: '1000' } },
});
const [from, seeds] = [Number(values.from), Number(values.seeds)];
let [failed, passes, operations] = [0, 0, 0];
for (let seed = from; seed < from + seeds; seed++) {
  const run = simulateTunnels(seed);
  passes += run.passes;
  operations += run.operations;
  if (run.fault === null) continue;
  failed += 1;
  process.stdout.write(`seed ${seed}: ${run.fault}\n`);
}
process.stdout.write(`${seeds} seeds, ${passes} passes, ${operations} operations: ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
