import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LAST_KNOWN_GOOD,
  lastKnownGoodOf,
  recallRunBefore,
} from '../../../src/agent/state-dir/last-known-good.js';
import { linkName } from '../../../src/model/index.js';
import { EMPTY_MEMORY, type Memory } from '../../../src/reconcile/remember/memory.js';
import { buildLinks, buildSettings, type LinkWords } from '../../support/simulated/host-builder.js';
import { type SimulatedKernel, simulateKernel } from '../../support/simulated/kernel.js';
import { DEFAULT_GUARD, runOnce } from '../../support/simulated/pass-runner.js';
import { type AnswerWords, buildAnswer } from '../../support/simulated/row-builder.js';

const RIGHT = buildSettings({});
const MISTYPED = buildSettings({ interfaces: ['physnt1:eth1'] });
const NETWORK = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const PORT = '11111111-1111-4111-8111-111111111111';
const LINKS: LinkWords[] = [{ name: 'eth1' }, { name: 'tap11111111-11' }];
const rows = (segment: string): AnswerWords => ({
  ports: [{ id: PORT, network: NETWORK, status: 'ACTIVE' }],
  networks: [{ id: NETWORK, segments: [segment] }],
});
const VLAN = rows('vlan physnet1 100');

/** A host that a pass has wired, and what is remembered of it. */
function wired(): { kernel: SimulatedKernel; memory: Memory } {
  const kernel = simulateKernel(buildLinks(LINKS));
  const { memory } = runOnce(kernel, RIGHT, buildAnswer(VLAN));
  return { kernel, memory };
}

/** What another process knows, which reads what this one has written. */
function afterRestart(memory: Memory): Memory {
  const text = JSON.stringify(lastKnownGoodOf(memory, buildAnswer(VLAN)));
  const checked = LAST_KNOWN_GOOD.check(JSON.parse(text));
  assert.ok(checked.ok);
  const stored = { kind: 'kept', value: checked.value, ageMs: 1_000, isOfThisBoot: true } as const;
  return recallRunBefore(EMPTY_MEMORY, stored, new Set(), 3_600_000, 0);
}

for (const [when, remembered] of [
  ['while the agent runs', (memory: Memory) => memory],
  ['and the agent is started again', afterRestart],
] as const) {
  test(`a typo in the mapping cuts nothing and writes nothing (${when})`, () => {
    const { kernel, memory } = wired();
    let known = remembered(memory);
    for (let poll = 0; poll < 3; poll += 1) {
      const result = runOnce(kernel, MISTYPED, buildAnswer(VLAN), { memory: known });
      assert.deepEqual([result.report.operations, result.report.statuses], [[], []]);
      assert.deepEqual(
        result.report.warnings.map(({ code }) => code),
        ['PHYSICAL_NETWORK_UNMAPPED'],
      );
      known = remembered(result.memory);
    }
    assert.deepEqual(runOnce(kernel, RIGHT, buildAnswer(VLAN), { memory: known }).report.operations, []);
  });
}

test('a change of segment that the guard holds stays a change of segment in every later poll', () => {
  const { kernel, memory } = wired();
  const moved = buildAnswer(rows('vlan physnet9 100'));
  const guard = { ...DEFAULT_GUARD, maxRemovals: 0 };
  let known = memory;
  for (let poll = 0; poll < 3; poll += 1) {
    const result = runOnce(kernel, RIGHT, moved, { memory: known, guard });
    assert.deepEqual(
      result.report.held.map(({ device }) => device),
      ['eth1.100'],
    );
    known = result.memory;
  }
});

test('a change of segment after a typo is a change of segment', () => {
  const { kernel, memory } = wired();
  const mistyped = runOnce(kernel, MISTYPED, buildAnswer(VLAN), { memory });
  const { report } = runOnce(kernel, MISTYPED, buildAnswer(rows('vlan physnet1 200')), {
    memory: mistyped.memory,
  });
  assert.deepEqual(
    report.operations.map(({ op, device }) => `${op} ${device}`),
    ['detach eth1.100', 'delete-subinterface eth1.100'],
  );
  assert.deepEqual(report.statuses, [{ port: PORT, from: 'ACTIVE', to: 'DOWN', bound: 'here' }]);
});

test('two segments are not joined where only the memory tells the uplink, and the rows were gone for a while', () => {
  const settings = buildSettings({ interfaces: ['physnet1:eth1', 'physnet2:eth2'] });
  const kernel = simulateKernel(buildLinks([{ name: 'eth1' }, { name: 'eth2' }, { name: 'tap11111111-11' }]));
  const poll = (answer: AnswerWords, memory?: Memory): Memory =>
    runOnce(kernel, settings, buildAnswer(answer), memory === undefined ? {} : { memory }).memory;
  const known = poll(rows('flat physnet2'));
  kernel.change((host) => {
    const uplink = host.named(linkName('eth2'));
    const bridge = host.named(linkName('brqaaaaaaaa-aa'));
    assert.ok(uplink !== undefined && bridge !== undefined);
    host.put({ ...uplink, name: linkName('lan2') });
    host.put({ ...bridge, mac: '52:54:00:aa:aa:aa' });
  });
  const emptied = poll({ ports: [], networks: [] }, known);
  poll(rows('vlan physnet1 103'), emptied);
  const { links, byName } = kernel.observe();
  const bridge = byName.get(linkName('brqaaaaaaaa-aa'));
  const members = [...links.values()].filter(({ master }) => master === bridge?.index);
  assert.deepEqual(members.map(({ name }) => name).sort(), ['eth1.103', 'tap11111111-11']);
});

test('a network is not at home in a mapped bridge that another was served by since', () => {
  const mapped = buildSettings({ bridges: ['physext:br-ex'] });
  const [first, second] = ['aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb'];
  const own = { id: PORT, network: first, status: 'ACTIVE' };
  const waits = { id: '22222222-2222-4222-8222-222222222222', network: second, compute: true };
  const flat = (id: string) => ({ id, segments: ['flat physext'] });
  const kernel = simulateKernel(
    buildLinks([{ name: 'br-ex' }, { name: 'tap11111111-11' }, { name: 'tap22222222-22' }]),
  );
  let memory = EMPTY_MEMORY;
  const told = (answer: AnswerWords, nowMs: number): string[] => {
    const guard = { ...DEFAULT_GUARD, maxRemovals: 0 };
    const result = runOnce(kernel, mapped, buildAnswer(answer), { memory, guard, nowMs });
    memory = result.memory;
    return result.report.operations.flatMap(({ op, device }) => (op === 'attach' ? [device] : []));
  };
  assert.deepEqual(told({ ports: [waits], networks: [flat(second)] }, 0), []);
  assert.deepEqual(told({ ports: [own, waits], networks: [flat(first), flat(second)] }, 1), [
    'tap11111111-11',
  ]);
  assert.deepEqual(told({ ports: [own, waits], networks: [flat(second)] }, 60_000), []);
});
