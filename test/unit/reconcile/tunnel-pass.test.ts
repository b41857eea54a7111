import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, floodEntry, type Operation, type PassReport } from '../../../src/model/index.js';
import type { GuardMemory } from '../../../src/reconcile/guard/guard-memory.js';
import type { PassResult } from '../../../src/reconcile/pass.js';
import { EMPTY_MEMORY, type Memory } from '../../../src/reconcile/remember/memory.js';
import { questionFor } from '../../../src/reconcile/remember/question.js';
import { viewOf } from '../../../src/reconcile/see/view.js';
import { buildLinks, buildSettings, type LinkWords, LOCAL } from '../../support/simulated/host-builder.js';
import { type SimulatedKernel, simulateKernel } from '../../support/simulated/kernel.js';
import { type PassWords, runOnce, TEST_NOW_MS } from '../../support/simulated/pass-runner.js';
import { type AnswerWords, buildAnswer } from '../../support/simulated/row-builder.js';

const NETWORK = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const OTHER = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
const PORT = '11111111-1111-4111-8111-111111111111';
const BRIDGE = 'brqaaaaaaaa-aa';
const DEVICE = 'vxlan-77';
const HOST = buildSettings({ tunnels: {}, plugGraceMs: 0 });

const UNDERLAY: LinkWords = { name: 'eth1', addresses: [`${LOCAL}/24`] };
/** As a pass leaves it. */
const inPlace = (...entries: readonly string[]): LinkWords[] => [
  UNDERLAY,
  { name: BRIDGE, label: NETWORK, mtu: 1450 },
  {
    name: DEVICE,
    kind: 'vxlan',
    vni: 77,
    master: BRIDGE,
    label: NETWORK,
    mtu: 1450,
    ipv6: 'disabled',
    entries,
  },
  { name: 'tap11111111-11', master: BRIDGE, mtu: 1450 },
];

const rows = (hosts: Readonly<Record<string, string>>, words: Partial<AnswerWords> = {}): Answer =>
  buildAnswer({
    generation: 'ml2',
    ports: [{ id: PORT, network: NETWORK, status: 'ACTIVE' }],
    networks: [{ id: NETWORK, segments: ['vxlan 77'], mtu: 1450 }],
    hosts: { [NETWORK]: hosts },
    ...words,
  });

const BOTH = rows({ 'node-2': '192.0.2.2', 'node-3': '192.0.2.3' });
const ONE = rows({ 'node-2': '192.0.2.2' });
const NONE = rows({});

const floodsTo = (kernel: SimulatedKernel): string[] => {
  const { byName, forwarding } = kernel.observe();
  const device = [...byName.values()].find(({ name }) => name === DEVICE);
  return device === undefined
    ? []
    : (forwarding.get(device.index) ?? []).map(({ endpoint }) => endpoint).sort();
};

/** Polls so many seconds apart, each with its answer. */
function polls(kernel: SimulatedKernel, answers: readonly Answer[], words: PassWords = {}): PassResult {
  let { memory = EMPTY_MEMORY, nowMs = TEST_NOW_MS } = words;
  let last: PassResult | null = null;
  for (const answer of answers) {
    last = runOnce(kernel, HOST, answer, { ...words, memory, nowMs });
    ({ memory } = last);
    nowMs += 31_000;
  }
  assert.ok(last);
  return last;
}

const heldKeys = ({ held }: PassReport): string[] => held.map(({ key }) => key);

test('the entry of a host that is gone goes with the third answer that does not name it, a minute after the first', () => {
  const kernel = simulateKernel(buildLinks(inPlace('192.0.2.2', '192.0.2.3')));
  const { memory } = polls(kernel, [ONE, ONE]);
  assert.deepEqual(floodsTo(kernel), ['192.0.2.2', '192.0.2.3']);
  polls(kernel, [ONE], { memory, nowMs: TEST_NOW_MS + 62_000 });
  assert.deepEqual(floodsTo(kernel), ['192.0.2.2']);
});

test('a host that is named again in between begins anew', () => {
  const kernel = simulateKernel(buildLinks(inPlace('192.0.2.2', '192.0.2.3')));
  polls(kernel, [ONE, ONE, BOTH, ONE, ONE]);
  assert.deepEqual(floodsTo(kernel), ['192.0.2.2', '192.0.2.3']);
});

test('an outage in between takes nothing away, and counts as no answer', () => {
  const kernel = simulateKernel(buildLinks(inPlace('192.0.2.2', '192.0.2.3')));
  const { memory } = polls(kernel, [ONE, ONE]);
  const { memory: after } = runOnce(kernel, HOST, null, { memory, nowMs: TEST_NOW_MS + 3_600_000 });
  assert.deepEqual(floodsTo(kernel), ['192.0.2.2', '192.0.2.3']);
  polls(kernel, [ONE], { memory: after, nowMs: TEST_NOW_MS + 3_700_000 });
  assert.deepEqual(floodsTo(kernel), ['192.0.2.2']);
});

test('what is held is shown, kept and let go by its key like any other removal', () => {
  const ends = ['192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5'];
  const kernel = simulateKernel(buildLinks(inPlace(...ends)));
  const { report, memory } = polls(kernel, [NONE, NONE, NONE]);
  assert.deepEqual(
    heldKeys(report),
    ends.map((end) => `forwarding ${NETWORK} ${end}`),
  );
  assert.deepEqual([report.inSync, report.warnings.map(({ code }) => code)], [false, ['REMOVALS_HELD']]);
  const accepting = { ...memory, accepted: new Set(heldKeys(report)) };
  const after = polls(kernel, [NONE], { memory: accepting, nowMs: TEST_NOW_MS + 93_000 });
  assert.deepEqual([floodsTo(kernel), after.report.held, after.memory.accepted.size], [[], [], 0]);
});

test('with guard_release = auto what is held goes after five polls over ten minutes', () => {
  const kernel = simulateKernel(buildLinks(inPlace('192.0.2.2', '192.0.2.3', '192.0.2.4')));
  const guard = { maxRemovals: null, windowMs: 600_000, release: 'auto' } as const;
  polls(
    kernel,
    Array.from({ length: 21 }, () => NONE),
    { guard },
  );
  assert.equal(floodsTo(kernel).length, 3);
  polls(
    kernel,
    Array.from({ length: 24 }, () => NONE),
    { guard },
  );
  assert.deepEqual(floodsTo(kernel), []);
});

test('an entry goes, and a hold is told, only when that is kept', () => {
  const story: string[] = [];
  const fault = ({ op }: Operation) => {
    story.push(op);
    return null;
  };
  const kept = ({ pairs }: GuardMemory) => void story.push(`kept, ${pairs.held.size} held`);
  const going = simulateKernel(buildLinks(inPlace('192.0.2.2', '192.0.2.3')), { fault });
  polls(going, [ONE, ONE, ONE], { kept });
  assert.deepEqual(story.splice(0), ['kept, 0 held', 'set-forwarding']);
  const held = simulateKernel(buildLinks(inPlace('192.0.2.2', '192.0.2.3')), { fault });
  polls(held, [NONE, NONE, NONE, NONE], { kept });
  assert.deepEqual(story, ['kept, 2 held']);
});

test('a server that is doubted takes no entry away, and the same answer of one that is believed does', () => {
  const kernel = simulateKernel(buildLinks(inPlace('192.0.2.2', '192.0.2.3')));
  const doubted = rows({ 'node-2': '192.0.2.2' }, { suspect: 'in-recovery' });
  const { report, memory } = polls(kernel, [doubted, doubted, doubted]);
  assert.deepEqual(heldKeys(report), [`forwarding ${NETWORK} 192.0.2.3`]);
  polls(kernel, [ONE], { memory, nowMs: TEST_NOW_MS + 93_000 });
  assert.deepEqual(floodsTo(kernel), ['192.0.2.2']);
});

test('a tunnel whose UDP port another program has is told so, and its tap is not wired', () => {
  const fault = ({ op, device }: Operation) => (op === 'set-up' && device === DEVICE ? 'EADDRINUSE' : null);
  const kernel = simulateKernel(buildLinks([UNDERLAY, { name: 'tap11111111-11' }]), { fault });
  const { report } = runOnce(kernel, HOST, BOTH);
  assert.deepEqual(
    report.warnings.map(({ code, device, port }) => [code, device ?? port]),
    [
      ['VXLAN_PORT_TAKEN', DEVICE],
      ['OPERATION_FAILED', 'tap11111111-11'],
    ],
  );
  assert.deepEqual(
    report.statuses.map(({ to }) => to),
    ['DOWN'],
  );
});

test('a steady poll is at rest, and one that waits for further answers is not', () => {
  const kernel = simulateKernel(buildLinks(inPlace('192.0.2.2', '192.0.2.3')));
  const { memory } = polls(kernel, [BOTH]);
  const steady = runOnce(kernel, HOST, BOTH, { memory });
  assert.deepEqual([steady.report.operations, steady.rest?.answer], [[], BOTH]);
  assert.equal(steady.memory.guard.pairs, memory.guard.pairs);
  assert.equal(runOnce(kernel, HOST, ONE, { memory }).rest, null);
});

test('a tunnel that no tap is behind any more is at rest, whatever its list says', () => {
  const kernel = simulateKernel(buildLinks(inPlace('192.0.2.3', '192.0.2.9').slice(0, -1)));
  const { memory } = polls(kernel, [ONE]);
  const { report, rest } = runOnce(kernel, HOST, ONE, { memory });
  assert.deepEqual([report.operations, report.held, rest?.answer], [[], [], ONE]);
  assert.deepEqual(floodsTo(kernel), ['192.0.2.3', '192.0.2.9']);
});

test('an answer in which a list of hosts alone has changed is heard', () => {
  const kernel = simulateKernel(buildLinks(inPlace('192.0.2.2')));
  const { memory, desired } = polls(kernel, [ONE, ONE]);
  assert.ok(BOTH.forwarding);
  const seen = desired.world.view;
  runOnce(kernel, HOST, { ...ONE, forwarding: BOTH.forwarding }, { memory, seen });
  assert.deepEqual(floodsTo(kernel), ['192.0.2.2', '192.0.2.3']);
});

test('somebody who writes into a tunnel is undone with the next pass, from memory too what he has deleted', () => {
  const kernel = simulateKernel(buildLinks(inPlace('192.0.2.2', '192.0.2.3')));
  const { memory } = polls(kernel, [BOTH]);
  kernel.change((host) => {
    for (const index of host.entries.keys()) host.entries.set(index, [floodEntry('192.0.2.2')]);
  });
  const after = runOnce(kernel, HOST, null, { memory });
  assert.deepEqual([floodsTo(kernel), after.report.operations.length], [['192.0.2.2', '192.0.2.3'], 1]);
});

test('what was decided about tunnels is taken over when a tap of one network comes in another order', () => {
  const others = ['tap22222222-22', 'tap33333333-33'].map(
    (name): LinkWords => ({ name, master: 'brqbbbbbbbb-bb', mtu: 1450 }),
  );
  const kernel = simulateKernel(
    buildLinks([
      ...inPlace('192.0.2.2', '192.0.2.3'),
      { name: 'brqbbbbbbbb-bb', label: OTHER, mtu: 1450 },
      ...others,
    ]),
  );
  const portOf = (id: string): { id: string; network: string; status: string } => ({
    id,
    network: OTHER,
    status: 'ACTIVE',
  });
  const answer = rows(
    { 'node-2': '192.0.2.2', 'node-3': '192.0.2.3' },
    {
      ports: [
        { id: PORT, network: NETWORK, status: 'ACTIVE' },
        portOf('22222222-2222-4222-8222-222222222222'),
        portOf('33333333-3333-4333-8333-333333333333'),
      ],
      networks: [
        { id: NETWORK, segments: ['vxlan 77'], mtu: 1450 },
        { id: OTHER, segments: ['local'], mtu: 1450 },
      ],
    },
  );
  const { memory, desired } = polls(kernel, [answer, answer]);
  const before = runOnce(kernel, HOST, null, { memory, seen: desired.world.view });
  kernel.change((host) => {
    const index = host.named('tap33333333-33')?.index;
    if (index !== undefined) host.enslave(index, null);
  });
  const after = runOnce(kernel, HOST, null, { memory: before.memory, seen: before.desired.world.view });
  assert.equal(after.report.operations.length, 1);
  assert.equal(after.tunnels, before.tunnels);
});

/** What the database is asked about VNIs after a poll with this answer. */
function vnisAsked(words: readonly LinkWords[], memory: Memory): readonly number[] {
  const view = viewOf(simulateKernel(buildLinks(words)).observe(), HOST);
  return questionFor(view, memory, TEST_NOW_MS).vnis ?? [];
}

test('whose a VNI is now is asked of tunnels alone that their networks have no more', () => {
  const kernel = simulateKernel(buildLinks(inPlace()));
  const { memory } = polls(kernel, [BOTH]);
  assert.deepEqual(vnisAsked(inPlace(), EMPTY_MEMORY), [], 'before there was an answer');
  assert.deepEqual(vnisAsked(inPlace(), memory), []);
  assert.deepEqual(vnisAsked(inPlace(), { ...memory, networks: new Map() }), [77]);
  const changed = buildAnswer({ networks: [{ id: NETWORK, segments: ['vxlan 78'] }] }).networks;
  assert.deepEqual(
    vnisAsked(inPlace(), { ...memory, networks: new Map(changed.map((one) => [one.id, one])) }),
    [77],
  );
});

test('a tunnel whose VNI is another network’s now leaves although everything is held, and joins the other one as new', () => {
  const kernel = simulateKernel(buildLinks([...inPlace('192.0.2.2'), { name: 'tap22222222-22' }]));
  const gone = buildAnswer({
    generation: 'ml2',
    suspect: 'read-only',
    ports: [{ id: '22222222-2222-4222-8222-222222222222', network: OTHER }],
    networks: [{ id: OTHER, segments: ['vxlan 77'], mtu: 1450 }],
    hosts: { [OTHER]: { 'node-3': '192.0.2.3' } },
    vnis: { 77: [OTHER] },
  });
  const { report } = runOnce(kernel, HOST, gone);
  assert.equal(report.held.length, 2);
  const { byName, links } = kernel.observe();
  const device = [...byName.values()].find(({ name }) => name === DEVICE);
  const master = links.get(device?.master ?? (0 as never));
  assert.equal(master?.name, 'brqbbbbbbbb-bb');
  assert.deepEqual(floodsTo(kernel), ['192.0.2.3']);
});
