import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ip, makeTap } from '../support/host/netns.js';
import { startWitness } from '../support/host/witness.js';
import {
  about,
  applied,
  attach,
  BRIDGE,
  createBridge,
  detach,
  kernelInNamespace,
  madeRef,
  refOf,
} from './fixture.js';

test('the witness tells events on the named device from those on others', async (t) => {
  const { ns } = kernelInNamespace(t);
  for (const name of ['tap1', 'tap11']) makeTap(ns, name);
  const witness = await startWitness(t, ns);
  ip(ns, 'link', 'set', 'tap11', 'mtu', '1400');
  await witness.expectNothingOn('tap1');
  await assert.rejects(witness.expectNothingOn('tap11'), /tap11.*mtu 1400/);
});

test('operations whose work is done already cause no event at all', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeTap(ns, 'tap1');
  const bridge = madeRef(BRIDGE);
  applied(
    kernel,
    createBridge(),
    { ...about(BRIDGE), op: 'set-label', target: bridge, label: 'quantum-linuxbridge-agent:x' },
    { ...about(BRIDGE), op: 'set-up', target: bridge },
    attach(refOf(kernel, 'tap1'), bridge),
  );
  const there = refOf(kernel, BRIDGE);
  const tap = refOf(kernel, 'tap1');
  const witness = await startWitness(t, ns);
  applied(
    kernel,
    { ...about(BRIDGE), op: 'set-label', target: there, label: 'quantum-linuxbridge-agent:x' },
    { ...about(BRIDGE), op: 'set-up', target: there },
    { ...about(BRIDGE), op: 'set-mtu', target: there, mtu: 1500 },
    { ...about(BRIDGE), op: 'disable-ipv6', target: there },
    attach(tap, there),
    detach(refOf(kernel, 'lo'), there),
  );
  assert.deepEqual(await witness.events(), []);
});

test('attaching one tap causes no event on the taps that are in the bridge already', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  for (const name of ['tap1', 'tap2']) makeTap(ns, name);
  applied(kernel, createBridge(), attach(refOf(kernel, 'tap1'), madeRef(BRIDGE)));
  const witness = await startWitness(t, ns);
  applied(kernel, attach(refOf(kernel, 'tap2'), refOf(kernel, BRIDGE)));
  await witness.expectNothingOn('tap1');
  await assert.rejects(witness.expectNothingOn('tap2'));
});
