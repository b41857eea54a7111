import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Answer, floodEntry, type Kernel, type Link } from '../../src/model/index.js';
import { allDesiredTaps, type DesiredNetwork } from '../../src/reconcile/decide/desired.js';
import type { PassResult } from '../../src/reconcile/pass.js';
import { EMPTY_MEMORY, type Memory } from '../../src/reconcile/remember/memory.js';
import { isTap } from '../../src/reconcile/see/view.js';
import type { SimulatedHost } from '../support/simulated/host.js';
import { buildLinks } from '../support/simulated/host-builder.js';
import { simulateKernel } from '../support/simulated/kernel.js';
import { type PassWords, runOnce, TEST_NOW_MS } from '../support/simulated/pass-runner.js';
import { buildAnswer } from '../support/simulated/row-builder.js';
import { arbitraryChange } from './arbitrary-answer.js';
import { arbitraryHost } from './arbitrary-host.js';
import { HOST, parametersOf } from './parameters.js';

/*
 * A pass takes over what an earlier one has seen and decided, where that rests on the same values: it must come to what a pass
 * comes to that knows nothing of earlier ones. FAST_CHECK_SEED and FAST_CHECK_PATH as in reconcile.test.ts.
 */
const PARAMETERS = parametersOf(1000);

/** What happens to a tap, mostly nothing: it goes, it is made again, somebody takes it down or out of its bridge. */
const happening = fc.constantFrom('none', 'none', 'none', 'gone', 'made-again', 'down', 'out', 'in-another');

const step = fc.record({
  taps: fc.array(happening, { minLength: 3, maxLength: 12 }),
  /** Something else than a tap changes now and then. */
  isDeviceTakenDown: fc.constantFrom(false, false, false, false, true),
  /** What somebody writes into a tunnel, or deletes there. */
  entry: fc.constantFrom(null, null, null, '192.0.2.2', '192.0.2.9'),
  afterMs: fc.constantFrom(0, 0, 0, 70_000),
  rows: fc.constantFrom('none', 'none', 'none', 'before', 'after', 'other-hosts'),
  accepted: fc.constantFrom('all', 'all', 'remembered'),
  isApplied: fc.constantFrom(true, true, true, false),
});

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function happen(host: SimulatedHost, { taps, isDeviceTakenDown, entry }: Step): void {
  const bridge = host.all().find(({ detail }) => detail.kind === 'bridge');
  for (const [at, tap] of host.all().filter(isTap).entries())
    happenTo(host, tap, taps[at % taps.length] ?? 'none', bridge);
  if (isDeviceTakenDown && bridge !== undefined) host.setUp(bridge.index, !bridge.up);
  const tunnel = host.all().find(({ detail }) => detail.kind === 'vxlan');
  if (entry === null || tunnel === undefined) return;
  const before = host.entries.get(tunnel.index) ?? [];
  const others = before.filter(({ endpoint }) => endpoint !== entry);
  const isThere = others.length < before.length;
  host.entries.set(tunnel.index, isThere ? others : [...before, floodEntry(entry)]);
}

function happenTo(
  host: SimulatedHost,
  tap: Link,
  what: Step['taps'][number],
  bridge: Link | undefined,
): void {
  if (what === 'gone' || what === 'made-again') host.remove(tap.index);
  if (what === 'made-again') host.add({ ...tap, master: null, up: false });
  if (what === 'down') host.setUp(tap.index, false);
  if (what === 'out') host.enslave(tap.index, null);
  if (what === 'in-another' && bridge !== undefined) host.enslave(tap.index, bridge.index);
}

/** A pass that can take over nothing: all it works from is equal, and other values. */
function fromNothing(kernel: Kernel, answer: Answer | null, words: PassWords): PassResult {
  const { memory = EMPTY_MEMORY } = words;
  const strange: Kernel = { ...kernel, observe: () => ({ ...kernel.observe(), changes: null }) };
  const copied =
    answer === null ? null : { ...answer, ports: [...answer.ports], networks: [...answer.networks] };
  return runOnce(strange, HOST, copied, {
    ...words,
    memory: { ...memory, known: new Map(memory.known) },
    seen: null,
  });
}

/** One of them differs from the first in the lists of hosts alone. */
const answersOf = (before: Answer, after: Answer) => ({
  none: null,
  before,
  after,
  'other-hosts': after.forwarding === undefined ? before : { ...before, forwarding: after.forwarding },
});

const inAnyOrder = (values: readonly unknown[]): string[] =>
  values.map((value) => JSON.stringify(value)).sort();

/** Without the function in it, which is another one each time. */
const sayable = ({ realisation }: DesiredNetwork) =>
  realisation.ok ? realisation.uplink : realisation.warning;

/** All that a pass comes to, but for the order of what does not build on one another. */
const comesTo = ({ report, memory, desired, tunnels, wakeAtMs }: PassResult) => ({
  operations: inAnyOrder(report.operations),
  warnings: inAnyOrder(report.warnings),
  statuses: inAnyOrder(report.statuses),
  held: report.held,
  networks: new Map([...desired.networks].map(([id, one]) => [id, { ...one, realisation: sayable(one) }])),
  taps: new Map(allDesiredTaps(desired).map((one) => [one.tap.index, one])),
  notable: desired.notable,
  gone: desired.gone,
  orphans: desired.orphans,
  removals: inAnyOrder(desired.removals),
  seen: { ...desired.world.view, observed: desired.world.view.observed.links },
  memory: { ...memory, repairs: null } satisfies Omit<Memory, 'repairs'> & { repairs: null },
  tunnels,
  wakeAtMs,
});

test('a pass that takes over what earlier ones have decided comes to what one from nothing comes to', () => {
  let takenOver = 0;
  fc.assert(
    fc.property(arbitraryChange, arbitraryHost, fc.array(step, { maxLength: 8 }), (rows, links, steps) => {
      const kernel = simulateKernel(buildLinks(links));
      const answers = answersOf(buildAnswer(rows.before), buildAnswer(rows.after));
      let last = runOnce(kernel, HOST, answers.before, { accepted: 'all' });
      let nowMs = TEST_NOW_MS;
      for (const one of steps) {
        nowMs += one.afterMs;
        kernel.change((host) => happen(host, one));
        const answer = answers[one.rows];
        const words = { memory: last.memory, accepted: one.accepted, apply: false, nowMs } as const;
        const nothing = fromNothing(kernel, answer, words);
        const { networks, world } = last.desired;
        const planned = runOnce(kernel, HOST, answer, { ...words, seen: world.view });
        if (planned.desired.networks === networks) takenOver += 1;
        assert.deepEqual(comesTo(planned), comesTo(nothing));
        const { view } = planned.desired.world;
        last = one.isApplied ? runOnce(kernel, HOST, answer, { ...words, apply: true, seen: view }) : planned;
      }
    }),
    PARAMETERS,
  );
  assert.ok(takenOver > PARAMETERS.numRuns / 5, `only in ${takenOver} passes anything was taken over`);
});
