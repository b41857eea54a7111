import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasVlans } from '../../src/kernel/vlan-probe.js';
import { enterNamespace, ip, ipJson, makeNamespace, makeTap } from '../support/host/netns.js';

test('the probe says what ip finds when it makes a VLAN subinterface, and leaves nothing behind', (t) => {
  const namespace = makeNamespace(t);
  makeTap(namespace, 'eth1');
  const names = (): unknown[] => ipJson(namespace, 'link', 'show').map(({ ifname }) => ifname);
  const before = names();
  enterNamespace(t, namespace);
  const answer = hasVlans();
  assert.deepEqual(names(), before);
  assert.equal(answer, canMakeVlan(namespace));
});

function canMakeVlan(namespace: string): boolean {
  try {
    ip(namespace, 'link', 'add', 'link', 'eth1', 'name', 'eth1.5', 'type', 'vlan', 'id', '5');
    return true;
  } catch (error) {
    assert.match(String(error), /Unknown device type|not supported/);
    return false;
  }
}
