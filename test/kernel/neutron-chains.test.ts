import assert from 'node:assert/strict';
import { test } from 'node:test';
import { neutronChains } from '../../src/kernel/filtering/neutron-chains.js';
import { command, enterNamespace, makeNamespace } from '../support/host/netns.js';

/** As iptables-nft, ip6tables-nft and ebtables-nft make them, with one that is somebody else's. */
const CHAINS = [
  'ip filter neutron-linuxbri-INPUT',
  'ip6 filter neutron-linuxbri-i1234',
  'bridge nat neutronMAC-tap1234',
  'bridge nat neutronARP-tap1234',
  'ip filter neutron-openvswi-INPUT',
];

test('the chains of Neutron’s LinuxBridge agent are found in every family', (t) => {
  const namespace = makeNamespace(t);
  enterNamespace(t, namespace);
  assert.deepEqual(neutronChains(), []);
  for (const chain of CHAINS) {
    const [family = '', table = '', name = ''] = chain.split(' ');
    command('ip', 'netns', 'exec', namespace, 'nft', 'add', 'table', family, table);
    command('ip', 'netns', 'exec', namespace, 'nft', 'add', 'chain', family, table, name);
  }
  assert.deepEqual([...(neutronChains() ?? [])].sort(), [
    'neutron-linuxbri-INPUT',
    'neutron-linuxbri-i1234',
    'neutronARP-tap1234',
    'neutronMAC-tap1234',
  ]);
});
