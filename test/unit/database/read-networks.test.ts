import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folsom } from '../../../src/database/generations/folsom.js';
import { decodeNetworks, spellingOf } from '../../../src/database/read-networks.js';

const ID = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const CAPITALS = ID.toUpperCase();
const folsomNow = folsom.open(new Map());

const networkRow = (id: string) => ({
  network_id: id,
  is_network: 1,
  mtu: null,
  physical_network: null,
  vlan_id: 0,
});
const bindingRow = (id: string) => ({
  network_id: id,
  is_network: 0,
  mtu: null,
  physical_network: 'physnet1',
  vlan_id: 100,
});
const decoded = (rows: ReturnType<typeof networkRow | typeof bindingRow>[], ...ids: string[]) =>
  decodeNetworks({ lookups: [], rows, cut: [] }, folsomNow, { ids: new Set(ids), suffixes: new Set() }).map(
    ({ id, rowPresent, segments }) => [id, rowPresent, segments.length],
  );

test('a port that names its network in capitals has the network', () => {
  assert.deepEqual(decoded([networkRow(ID), bindingRow(ID)], CAPITALS), [[ID, true, 1]]);
});

test('a binding that names its network in capitals is that network’s', () => {
  assert.deepEqual(decoded([networkRow(ID), bindingRow(CAPITALS)], ID), [[ID, true, 1]]);
});

test('a network that is itself spelled in capitals keeps its spelling', () => {
  assert.deepEqual(decoded([networkRow(CAPITALS), bindingRow(ID)], ID), [[CAPITALS, true, 1]]);
});

test('a binding in capitals stays the network’s own when the row of the network is gone', () => {
  assert.deepEqual(decoded([bindingRow(CAPITALS)], ID), [[ID, false, 1]]);
});

test('two networks that differ in capitals only stay two', () => {
  const rows = [networkRow('net'), bindingRow('net'), networkRow('NET'), bindingRow('NET')];
  assert.deepEqual(decoded(rows, 'net', 'NET'), [
    ['net', true, 1],
    ['NET', true, 1],
  ]);
  assert.equal(spellingOf(['net', 'NET'])('Net'), 'Net');
});
