import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ip, ipBatch, makeNamespace, makeTap } from '../support/host/netns.js';
import { startQuietWitness, startWitness } from '../support/host/witness.js';
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

test('a quiet witness hears nothing of a carrier that was lost before it began', async (t) => {
  const namespace = makeNamespace(t);
  ipBatch(namespace, [
    'link add bridge1 type bridge',
    'link add near type veth peer name far',
    'link set near master bridge1 up',
    'link set bridge1 up',
    'link set far up',
    'link set far down',
  ]);
  const witness = await startQuietWitness(t, namespace);
  // When another one begins, the kernel has told of all that came about before.
  await startQuietWitness(t, namespace);
  assert.deepEqual(await witness.events(), []);
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
