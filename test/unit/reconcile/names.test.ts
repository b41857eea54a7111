import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bridgeMac,
  bridgeName,
  isExactBridgeName,
  isUsableId,
  LINK_NAME_LENGTH_MAX,
  labelOf,
  linkName,
  networkId,
  networkOfLabel,
  subinterfaceName,
  suffixMatches,
  tapName,
  tapSuffix,
} from '../../../src/model/index.js';

const N1 = networkId('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');

test('a bridge is brq and a tap is tap, with the first eleven characters of the id', () => {
  assert.equal(bridgeName(N1), 'brqaaaaaaaa-aa');
  assert.equal(tapName('11111111-1111-4111-8111-111111111111'), 'tap11111111-11');
});

test('a short id is taken whole', () => {
  assert.equal(bridgeName(networkId('n1')), 'brqn1');
  assert.equal(tapName('abc'), 'tapabc');
});

test('a subinterface is the interface and the VLAN id', () => {
  assert.equal(subinterfaceName(linkName('eth1'), 100), 'eth1.100');
});

test('a name of exactly fifteen characters is not hashed', () => {
  assert.equal(subinterfaceName(linkName('enp175s0f0n'), 100), 'enp175s0f0n.100');
});

test('a longer one is hashed, fits, shows the VLAN, and tells interfaces apart', () => {
  const one = subinterfaceName(linkName('enp175s0f0np0'), 1000);
  const other = subinterfaceName(linkName('enp175s0f0np1'), 1000);
  assert.ok(one.length <= LINK_NAME_LENGTH_MAX);
  assert.ok(one.endsWith('.1000'));
  assert.notEqual(one, other);
  assert.equal(one, subinterfaceName(linkName('enp175s0f0np0'), 1000));
});

test('a label keeps the whole id', () => {
  assert.equal(networkOfLabel(labelOf(N1)), N1);
});

test('another alias is no label', () => {
  assert.equal(networkOfLabel('uplink to switch 7'), null);
  assert.equal(networkOfLabel(''), null);
});

test('the longest id that a column holds has a label that the kernel takes', () => {
  assert.ok(labelOf(networkId('x'.repeat(255))).length <= 255);
});

test('the exact form is brq, eight hex digits, a dash and two', () => {
  assert.equal(isExactBridgeName('brq0123abcd-ef'), true);
  for (const name of [
    'brqfoo',
    'brqmine',
    'brq0123abcd-e',
    'brq0123abcd-efa',
    'brq0123ABCD-ef',
    'xbrq0123abcd-ef',
  ]) {
    assert.equal(isExactBridgeName(name), false, name);
  }
});

test('a device named tap alone is no tap', () => {
  assert.equal(tapSuffix(linkName('tap')), null);
  assert.equal(tapSuffix(linkName('tapx')), 'x');
});

test('only exactly eleven characters are a prefix', () => {
  assert.equal(suffixMatches('11111111-11', '11111111-1111'), true);
  assert.equal(suffixMatches('11111111-1', '11111111-1111'), false);
  assert.equal(suffixMatches('abc', 'abc'), true);
});

test('an id that cannot be part of a device name is not usable', () => {
  for (const id of ['', 'a/b', 'a b', 'ä', 'a\n', 'x'.repeat(256)]) assert.equal(isUsableId(id), false, id);
  assert.equal(isUsableId('n1'), true);
});

test('the MAC address of a bridge is local, unicast, and its own on each host and network', () => {
  const mac = bridgeMac(N1, 'node-1');
  assert.match(mac, /^fa(:[0-9a-f]{2}){5}$/);
  assert.equal(mac, bridgeMac(N1, 'node-1'));
  assert.notEqual(mac, bridgeMac(N1, 'node-2'));
  assert.notEqual(mac, bridgeMac(networkId('n1'), 'node-1'));
});
