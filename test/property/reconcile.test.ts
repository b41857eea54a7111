import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Answer, HostState, Link, Operation, PassReport, Port } from '../../src/model/index.js';
import { EMPTY_MEMORY, type Memory } from '../../src/reconcile/remember/memory.js';
import { isTap } from '../../src/reconcile/see/view.js';
import { linksIn } from '../support/simulated/host.js';
import { buildLinks, type LinkWords } from '../support/simulated/host-builder.js';
import { SimulatedKill, simulateKernel } from '../support/simulated/kernel.js';
import { DEFAULT_GUARD, runOnce } from '../support/simulated/pass-runner.js';
import { buildAnswer } from '../support/simulated/row-builder.js';
import { arbitraryAnswer, arbitraryChange } from './arbitrary-answer.js';
import { arbitraryHost } from './arbitrary-host.js';
import { assertInvariants } from './invariants.js';
import { isBoundHere, isLeftAsItIs, portOf, type Truth, works } from './oracle.js';
import { HOST, parametersOf } from './parameters.js';

/*
 * For any database and any kernel. A failure prints its seed and path; run it again with
 *
 *     FAST_CHECK_SEED=seed FAST_CHECK_PATH=path node --import tsx --test test/property/reconcile.test.ts
 */
const PARAMETERS = parametersOf(2000);

const truthOf = (answer: Answer, memory: Memory = EMPTY_MEMORY): Truth => ({
  answer,
  settings: HOST,
  known: new Set(memory.known.keys()),
});

const check = (property: (answer: Answer, words: LinkWords[]) => void): void =>
  fc.assert(
    fc.property(arbitraryAnswer, arbitraryHost, (rows, links) => property(buildAnswer(rows), links)),
    PARAMETERS,
  );

test('one pass converges, and hurts nothing on its way', () => {
  check((answer, words) => {
    const kernel = simulateKernel(buildLinks(words));
    const { report, memory } = runOnce(kernel, HOST, answer, { accepted: 'all' });
    assertInvariants(truthOf(answer), kernel.states);
    assert.deepEqual(kernel.refusals, []);
    assert.deepEqual(report.failed, []);
    assert.equal(report.inSync, true);
    const next = runOnce(kernel, HOST, answer, { memory, accepted: 'all', apply: false });
    assert.deepEqual(next.report.operations, []);
  });
});

test('a change of some rows on a host that is in sync leaves everybody else alone', () => {
  fc.assert(
    fc.property(arbitraryChange, arbitraryHost, (rows, links) => {
      const settled = simulateKernel(buildLinks(links));
      const first = runOnce(settled, HOST, buildAnswer(rows.before), { accepted: 'all' });
      const answer = buildAnswer(rows.after);
      const kernel = simulateKernel(linksIn(settled.observe()));
      const { report, memory } = runOnce(kernel, HOST, answer, { memory: first.memory, accepted: 'all' });
      assertInvariants(truthOf(answer, first.memory), kernel.states);
      assert.deepEqual(report.failed, []);
      const next = runOnce(kernel, HOST, answer, { memory, accepted: 'all', apply: false });
      assert.deepEqual(next.report.operations, []);
    }),
    PARAMETERS,
  );
});

test('a pass that the guard holds back takes no wire, does the rest, and has nothing more to do', () => {
  check((answer, words) => {
    const kernel = simulateKernel(buildLinks(words));
    const guard = { maxRemovals: 0, windowMs: 600_000, release: 'operator' } as const;
    const { report, memory } = runOnce(kernel, HOST, answer, { guard });
    assertInvariants(truthOf(answer), kernel.states);
    assertNoWireTaken(kernel.states);
    assert.deepEqual(report.failed, []);
    const next = runOnce(kernel, HOST, answer, { memory, guard, apply: false });
    assert.deepEqual(next.report.operations, []);
  });
});

test('killed anywhere, the next start finishes the work', () => {
  fc.assert(
    fc.property(arbitraryAnswer, arbitraryHost, fc.nat(30), (rows, words, killAfter) => {
      const answer = buildAnswer(rows);
      const killed = simulateKernel(buildLinks(words), { killAfter });
      try {
        runOnce(killed, HOST, answer, { accepted: 'all' });
      } catch (error) {
        if (!(error instanceof SimulatedKill)) throw error;
      }
      const kernel = simulateKernel(linksIn(lastOf(killed.states)));
      const { report, memory } = runOnce(kernel, HOST, answer, { accepted: 'all' });
      assertInvariants(truthOf(answer), [...killed.states, ...kernel.states.slice(1)]);
      assert.deepEqual(report.failed, []);
      const next = runOnce(kernel, HOST, answer, { memory, accepted: 'all', apply: false });
      assert.deepEqual(next.report.operations, []);
    }),
    PARAMETERS,
  );
});

test('a pass from memory removes nothing', () => {
  check((answer, words) => {
    const kernel = simulateKernel(buildLinks(words));
    const known = answer.ports.map((port): [Link['name'], Port] => [
      `tap${port.id.slice(0, 11)}` as Link['name'],
      port,
    ]);
    const memory = {
      ...EMPTY_MEMORY,
      known: new Map(known),
      networks: new Map(answer.networks.map((network) => [network.id, network])),
    };
    const { report } = runOnce(kernel, HOST, null, { memory, guard: DEFAULT_GUARD });
    assertNothingRemoved(kernel.states);
    assert.deepEqual(report.statuses, []);
    assert.deepEqual(report.held, []);
  });
});

test('every status is what is true afterwards, and only of ports that are this host’s', () => {
  check((answer, words) => {
    const kernel = simulateKernel(buildLinks(words));
    const { report } = runOnce(kernel, HOST, answer, { accepted: 'all' });
    assertStatuses(truthOf(answer), kernel.observe(), report);
  });
});

test('an operation that fails costs only its own device or network, and the next pass makes it good', () => {
  fc.assert(
    fc.property(arbitraryAnswer, arbitraryHost, fc.nat(20), (rows, words, failing) => {
      const answer = buildAnswer(rows);
      const fault = (_: Operation, count: number) => (count === failing ? 'EIO' : null);
      const kernel = simulateKernel(buildLinks(words), { fault });
      const first = runOnce(kernel, HOST, answer, { accepted: 'all' });
      assertStatuses(truthOf(answer), kernel.observe(), first.report);
      const second = runOnce(kernel, HOST, answer, { memory: first.memory, accepted: 'all' });
      assertInvariants(truthOf(answer), kernel.states);
      assert.deepEqual(second.report.failed, []);
      assert.equal(second.report.inSync, true);
    }),
    PARAMETERS,
  );
});

function lastOf(states: readonly HostState[]): HostState {
  const last = states.at(-1);
  assert.ok(last !== undefined);
  return last;
}

function assertStatuses(truth: Truth, host: HostState, { statuses, failed }: PassReport): void {
  const written = new Map(statuses.map(({ port, to }) => [port, to]));
  for (const tap of host.links.values()) {
    const port = tap.name.startsWith('tap') ? portOf(truth, tap) : null;
    if (port === null) continue;
    if (!isBoundHere(port) || port.binding.kind === 'arriving' || port.binding.kind === 'standby') {
      assert.equal(written.has(port.id), false, `${port.id} is not this host's to speak of`);
      continue;
    }
    if (isLeftAsItIs(truth, host, tap)) {
      assert.equal(written.has(port.id), false, `${port.id} keeps the status it has`);
      continue;
    }
    const status = written.get(port.id) ?? port.status;
    const isServed = works(truth, host, tap);
    // A tap that could not be taken out is neither served nor gone: its status stays.
    if (failed.some(({ operation }) => operation.op === 'detach' && operation.device === tap.name)) continue;
    assert.equal(status, port.adminUp && isServed ? 'ACTIVE' : 'DOWN', `of ${tap.name}`);
  }
}

/** Whatever was in a bridge still is, and every link is still there. */
/** No tap leaves its bridge, and neither does anything beside it. A bridge without taps may lose what it has. */
function assertNoWireTaken(states: readonly HostState[]): void {
  const before = [...(states[0]?.links.values() ?? [])];
  const withTaps = new Set(before.filter(isTap).map(({ master }) => master));
  for (const state of states) {
    for (const { index, name, master } of before) {
      if (master === null || !withTaps.has(master)) continue;
      assert.equal(state.links.get(index)?.master, master, `${name} left its bridge`);
    }
  }
}

function assertNothingRemoved(states: readonly HostState[]): void {
  const [first] = states;
  for (const state of states) {
    for (const link of first?.links.values() ?? []) {
      const after = state.links.get(link.index);
      // A tunnel in no bridge may be made again: nobody is behind it.
      if (after === undefined && link.master === null && link.detail.kind === 'vxlan') continue;
      assert.ok(after !== undefined, `${link.name} was deleted`);
      if (link.master !== null) assert.equal(after.master, link.master, `${link.name} left its bridge`);
    }
  }
}
