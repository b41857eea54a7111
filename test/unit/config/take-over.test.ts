import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeOverSteps } from '../../../src/commands/take-over.js';
import type { HostFacts } from '../../../src/kernel/facts.js';
import { buildHost } from '../../support/simulated/host-builder.js';

const FACTS: HostFacts = {
  ipv6: 'writable',
  bridgeNetfilter: null,
  vlanFiltering: true,
  otherAgents: [],
  vifPluggingIsFatal: null,
  udpPorts: new Set(),
  managersOf: () => [],
};
const NEUTRON = { pid: 7, command: 'neutron-linuxbridge-agent' };
const OURS = { name: 'brqaaaaaaaa-aa', label: 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa' };
const THEIRS = { name: 'brqbbbbbbbb-bb' };

test('a host that no other agent has served has nothing to take over', () => {
  const links = buildHost([OURS, { name: 'br-ex' }, { name: 'eth1' }]);
  assert.deepEqual(takeOverSteps({ facts: FACTS, neutronChains: [], links }), []);
  assert.deepEqual(takeOverSteps({ facts: FACTS, neutronChains: null, links }), []);
});

test('a host that Neutron’s agent serves: look, stop it, start this one, take its rules away, in this order', () => {
  const steps = takeOverSteps({
    facts: { ...FACTS, otherAgents: [NEUTRON] },
    neutronChains: ['neutron-linuxbri-INPUT', 'neutronMAC-tap1'],
    links: buildHost([OURS, THEIRS]),
  });
  assert.deepEqual(
    steps.map((step) => step.split(/[:,.]/)[0]),
    [
      'Look at plan',
      'Look at schema check',
      'Stop and disable neutron-linuxbridge-agent (process 7)',
      'Start this agent',
      'Take away the 2 chains of rules',
    ],
  );
  assert.match(steps[0] ?? '', /1 bridge as/);
});

test('rules alone are reason enough: guests are half cut off by them', () => {
  const steps = takeOverSteps({ facts: FACTS, neutronChains: ['neutronARP-tap1'], links: buildHost([OURS]) });
  assert.match(steps.at(-1) ?? '', /^Take away the 1 chain of rules/);
});
