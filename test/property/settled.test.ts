import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { settledBy } from '../../src/agent/kernel-pass.js';
import type { Link, NetworkId } from '../../src/model/index.js';
import type { PassResult } from '../../src/reconcile/pass.js';
import { isTap } from '../../src/reconcile/see/view.js';
import type { Settled } from '../../src/reconcile/settled.js';
import type { SimulatedHost } from '../support/simulated/host.js';
import { buildLinks, buildSettings, type LinkWords } from '../support/simulated/host-builder.js';
import { type SimulatedKernel, simulateKernel } from '../support/simulated/kernel.js';
import { runOnce, settingsOf } from '../support/simulated/pass-runner.js';
import { buildAnswer } from '../support/simulated/row-builder.js';
import { arbitraryAnswer } from './arbitrary-answer.js';
import { arbitraryHost } from './arbitrary-host.js';

/*
 * A pass that rests on how the one before has left the host must come to what a pass that decides everything comes to.
 * FAST_CHECK_SEED and FAST_CHECK_PATH as in reconcile.test.ts.
 */
const PARAMETERS = {
  seed: Number(process.env.FAST_CHECK_SEED ?? 20_130_404),
  numRuns: Number(process.env.FAST_CHECK_RUNS ?? 2000),
  includeErrorInReport: true,
  ...(process.env.FAST_CHECK_PATH === undefined ? {} : { path: process.env.FAST_CHECK_PATH }),
};

const HOST = buildSettings({
  interfaces: ['physnet1:eth1', 'physnet2:eth2'],
  bridges: ['physnet3:br-ex'],
  plugGraceMs: 0,
});

/** A host that a pass with this answer has left with nothing to do; null: it has left something. */
function settle(
  rows: Parameters<typeof buildAnswer>[0],
  words: readonly LinkWords[],
): { kernel: SimulatedKernel; settled: Settled } | null {
  const kernel = simulateKernel(buildLinks(words));
  const answer = buildAnswer(rows);
  const { memory } = runOnce(kernel, HOST, answer, { accepted: 'all' });
  const asked = kernel.observe();
  const result = runOnce(kernel, HOST, answer, { memory, accepted: 'all' });
  const settled = settledBy(settingsOf(HOST), result, {
    answer,
    presentBefore: new Set(),
    wentBack: null,
    asked,
  });
  return settled === null ? null : { kernel, settled };
}

/** What happens to a tap: nothing, it goes, it is made again, somebody takes it down or out of its bridge. */
const happening = fc.constantFrom('none', 'gone', 'made-again', 'down', 'out');

function happen(
  host: SimulatedHost,
  tap: Link,
  what: typeof happening extends fc.Arbitrary<infer T> ? T : never,
) {
  if (what === 'gone' || what === 'made-again') host.remove(tap.index);
  if (what === 'made-again') host.add({ ...tap, master: null, up: false });
  if (what === 'down') host.setUp(tap.index, false);
  if (what === 'out') host.enslave(tap.index, null);
}

test('a pass over the taps that have changed does what a pass over all of them does', () => {
  let narrowed = 0;
  fc.assert(
    fc.property(
      arbitraryAnswer,
      arbitraryHost,
      fc.array(happening, { minLength: 12 }),
      (rows, links, what) => {
        const at = settle(rows, links);
        if (at === null) return;
        const { kernel, settled } = at;
        const changed = new Set<string>();
        kernel.change((host) => {
          for (const [index, tap] of host.all().filter(isTap).entries()) {
            const event = what[index % what.length] ?? 'none';
            happen(host, tap, event);
            if (!isDeepStrictEqual(host.get(tap.index), tap)) changed.add(tap.name);
          }
        });
        const words = { memory: settled.memory, apply: false };
        const whole = runOnce(kernel, HOST, null, words);
        const part = runOnce(kernel, HOST, null, { ...words, settled });
        if (part.desired.networks === settled.desired.networks) narrowed += 1;
        // Whose rival for a bridge or an uplink has left waits for the next answer, and who was wired stays so till then.
        const isMeant = (id: NetworkId | null): boolean =>
          isServed(settled.desired, id) === isServed(whole.desired, id);
        assert.deepEqual(operationsIn(part, isMeant), operationsIn(whole, isMeant));
        assert.deepEqual(wiredIn(part, isMeant), wiredIn(whole, isMeant));
        assert.deepEqual(saidOf(changed, part, isMeant), saidOf(changed, whole, isMeant));
        assert.deepEqual(plugsIn(part), plugsIn(whole));
        assert.deepEqual(unknownIn(part), unknownIn(whole));
        assert.deepEqual(part.memory.known, whole.memory.known);
        assert.deepEqual(part.memory.firstSeenMs, whole.memory.firstSeenMs);
        assert.deepEqual(part.memory.plugged, whole.memory.plugged);
      },
    ),
    PARAMETERS,
  );
  assert.ok(narrowed > PARAMETERS.numRuns / 10, `only ${narrowed} passes were narrowed`);
});

/** Tells which networks are meant; null: what belongs to none. */
type OfNetworks = (id: NetworkId | null) => boolean;

const isServed = ({ networks }: Settled['desired'], id: NetworkId | null): boolean =>
  id !== null && networks.get(id)?.serves != null;

const operationsIn = ({ report }: PassResult, isMeant: OfNetworks) =>
  report.operations.filter(({ network }) => isMeant(network));

/** What the view says is here, and in which bridge. */
const plugsIn = ({ view }: PassResult) => ({
  taps: [...view.taps.values()].map(({ name }) => name).sort(),
  members: [...view.observed.links.keys()].map((index) =>
    view
      .members(index)
      .map(({ name }) => name)
      .sort(),
  ),
});

/** The taps that the database has to be asked about. */
const unknownIn = ({ desired, memory }: PassResult) =>
  desired.withoutPort
    .map(({ name }) => name)
    .filter((name) => !memory.known.has(name))
    .sort();

/** The taps that are to be wired, and how. */
const wiredIn = ({ desired: { taps } }: PassResult, isMeant: OfNetworks) =>
  [...taps.values()]
    .filter(({ decision }) => decision.kind === 'wire' && isMeant(decision.network))
    .map(({ tap, decision }) => [tap.index, tap.name, decision])
    .sort();

/** What is said about these taps. */
const saidOf = (taps: ReadonlySet<string>, { desired: { warnings } }: PassResult, isMeant: OfNetworks) =>
  warnings.filter(
    ({ device, network }) => device !== undefined && taps.has(device) && isMeant(network ?? null),
  );

test('a pass after one that was settled with the same answer has nothing to do and changes nothing in memory', () => {
  fc.assert(
    fc.property(arbitraryAnswer, arbitraryHost, (rows, links) => {
      const at = settle(rows, links);
      if (at === null) return;
      const { kernel, settled } = at;
      const { report, memory } = runOnce(kernel, HOST, settled.answer, { memory: settled.memory });
      assert.deepEqual(report.operations, []);
      assert.deepEqual(memory, { ...settled.memory, firstSeenMs: memory.firstSeenMs });
    }),
    PARAMETERS,
  );
});
