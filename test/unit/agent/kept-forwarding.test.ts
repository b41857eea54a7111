import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  differs,
  LAST_KNOWN_GOOD,
  type LastKnownGood,
  lastKnownGoodOf,
  recover,
} from '../../../src/agent/state-dir/last-known-good.js';
import type { Checked, ForwardingAnswer } from '../../../src/model/index.js';
import { EMPTY_MEMORY } from '../../../src/reconcile/remember/memory.js';
import { buildAnswer } from '../../support/simulated/row-builder.js';

const NETWORK = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const answer = buildAnswer({
  networks: [{ id: NETWORK, segments: ['vxlan 77'] }],
  hosts: { [NETWORK]: { 'node-2': '192.0.2.2', 'node-3': 'it has no row in agents' } },
});
const forwarding = answer.forwarding ?? null;
const kept = JSON.stringify(lastKnownGoodOf({ ...EMPTY_MEMORY, forwarding }, answer));

const read = (text: string): Checked<LastKnownGood> => LAST_KNOWN_GOOD.check(JSON.parse(text));

function recovered(text: string): ForwardingAnswer | null {
  const found = read(text);
  assert.ok(found.ok);
  const stored = { kind: 'kept', value: found.value, ageMs: 0, isOfThisBoot: false } as const;
  const after = recover(EMPTY_MEMORY, stored, 1, 0);
  assert.ok(after.kind === 'recovered');
  return after.memory.forwarding;
}

test('a start without the database knows who was behind the tunnels', () => {
  assert.deepEqual(recovered(kept), forwarding);
});

test('lists of an earlier version that has none, or of one that is not known yet, cost only themselves', () => {
  assert.equal(recovered(kept.replace('"version":1', '"version":2')), null);
  const { forwarding: _, ...earlier } = JSON.parse(kept);
  assert.equal(recovered(JSON.stringify(earlier)), null);
});

test('an end that is no address is not taken for one', () => {
  assert.equal(recovered(kept.replace('192.0.2.2', 'nonsense')), null);
});

test('it is kept when a list changes, and not when only the answer is another object', () => {
  const memory = { ...EMPTY_MEMORY, forwarding };
  assert.ok(!differs(memory, { ...memory, forwarding: forwarding && { ...forwarding } }));
  const other = forwarding && {
    ...forwarding,
    hosts: new Map([...forwarding.hosts, ['segment', ['node-4']]]),
  };
  assert.ok(differs(memory, { ...memory, forwarding: other }));
});
