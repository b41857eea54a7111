import { buildSettings } from '../support/simulated/host-builder.js';

/** How a property is tried: FAST_CHECK_SEED and FAST_CHECK_PATH as in reconcile.test.ts, FAST_CHECK_RUNS for more than `numRuns`. */
export const parametersOf = (numRuns: number) => ({
  seed: Number(process.env.FAST_CHECK_SEED ?? 20_130_404),
  numRuns: Number(process.env.FAST_CHECK_RUNS ?? numRuns),
  includeErrorInReport: true,
  ...(process.env.FAST_CHECK_PATH === undefined ? {} : { path: process.env.FAST_CHECK_PATH }),
});

/** A host with two mapped interfaces, a mapped bridge and tunnels, on which no tap waits for libvirt. */
export const HOST = buildSettings({
  interfaces: ['physnet1:eth1', 'physnet2:eth2'],
  bridges: ['physnet3:br-ex'],
  plugGraceMs: 0,
  tunnels: {},
});
