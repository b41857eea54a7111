import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reaches } from '../../support/host/neighbour.js';
import { type Cleanup, ip, ipBatch, makeNamespace } from '../../support/host/netns.js';
import { startWitness } from '../../support/host/witness.js';
import { HANG_LIMIT_MS } from '../../support/limit.js';
import { makeStage, type Stage } from '../contract/case.js';
import { brq, makeTap, network, port, tap } from '../contract/names.js';

/** What is not answered for so long is not answered at all: an answer takes far less than a millisecond. */
const SILENCE_MS = 4_000;

interface Guest {
  readonly ns: string;
  readonly device: string;
}

/** A virtual machine: a namespace whose `inside` is the other end of a port's tap. */
function makeGuest(t: Cleanup, stage: Stage, digit: string, address: string): Guest {
  const ns = makeNamespace(t);
  ipBatch(stage.ns, [`link add ${tap(digit)} type veth peer name inside netns ${ns}`]);
  ipBatch(ns, ['link set inside up', `address add ${address} dev inside`]);
  return { ns, device: 'inside' };
}

/** What the cable of `eth1` ends in. */
function makeOutside(t: Cleanup, stage: Stage, ...lines: string[]): Guest {
  const ns = makeNamespace(t);
  ip(stage.ns, 'link', 'set', 'far', 'netns', ns);
  ipBatch(ns, ['link set far up', ...lines]);
  return { ns, device: 'far' };
}

const tagged = (device: string, address: string): string[] => [
  `link add link ${device} name tagged type vlan id 100`,
  'link set tagged up',
  `address add ${address} dev tagged`,
];
const FLAT = { ports: [port('1', 'a')], networks: [network('a', 'flat physnet1')] };

test('a guest of a flat network reaches what is on the wire, and its tagged frames do not', async (t) => {
  const stage = makeStage(t, [], { dropTaggedFrames: true });
  const guest = makeGuest(t, stage, '1', '10.0.0.1/24');
  makeOutside(t, stage, 'address add 10.0.0.2/24 dev far', ...tagged('far', '10.100.0.2/24'));
  ipBatch(guest.ns, tagged('inside', '10.100.0.1/24'));
  const { warnings } = stage.pass(FLAT);
  assert.equal(await reaches(guest.ns, '10.0.0.2', HANG_LIMIT_MS), true);
  assert.equal(await reaches(guest.ns, '10.100.0.2', HANG_LIMIT_MS), false);
  assert.deepEqual(warnings, []);
});

test('with drop_tagged_frames = false the tagged frames of a guest pass, and nothing is reported', async (t) => {
  const stage = makeStage(t, [], { dropTaggedFrames: false });
  const guest = makeGuest(t, stage, '1', '10.0.0.1/24');
  makeOutside(t, stage, ...tagged('far', '10.100.0.2/24'));
  ipBatch(guest.ns, tagged('inside', '10.100.0.1/24'));
  const { warnings } = stage.pass(FLAT);
  assert.equal(await reaches(guest.ns, '10.100.0.2', HANG_LIMIT_MS), true);
  assert.deepEqual(warnings, []);
});

test('frames of a VLAN network are tagged on the wire, and a changed id changes the tag', async (t) => {
  const stage = makeStage(t, []);
  const guest = makeGuest(t, stage, '1', '10.0.0.1/24');
  const { ns } = makeOutside(t, stage);
  for (const vlanId of [100, 200]) {
    // A namespace each: one host would answer for the addresses of all of its interfaces.
    const segment = makeNamespace(t);
    ipBatch(ns, [
      `link add link far name far.${vlanId} type vlan id ${vlanId}`,
      `link set far.${vlanId} netns ${segment}`,
    ]);
    ipBatch(segment, [`address add 10.0.0.${vlanId}/24 dev far.${vlanId}`, `link set far.${vlanId} up`]);
  }
  const rows = (vlanId: number) => ({
    ports: [port('1', 'a')],
    networks: [network('a', `vlan physnet1 ${vlanId}`)],
  });
  stage.pass(rows(100));
  assert.equal(await reaches(guest.ns, '10.0.0.100', HANG_LIMIT_MS), true);
  assert.equal(await reaches(guest.ns, '10.0.0.200', SILENCE_MS), false);
  const witness = await startWitness(t, stage.ns);
  stage.pass(rows(200));
  await witness.expectNothingOn(tap('1'));
  assert.equal(await reaches(guest.ns, '10.0.0.200', HANG_LIMIT_MS), true);
});

test('no moment of a VLAN swap has a subinterface in a bridge beside another one', async (t) => {
  const stage = makeStage(t, [makeTap('1'), makeTap('2')]);
  const ports = [port('1', 'a'), port('2', 'b')];
  const rows = (first: number, second: number) => ({
    ports,
    networks: [network('a', `vlan physnet1 ${first}`), network('b', `vlan physnet1 ${second}`)],
  });
  stage.pass(rows(100, 200));
  const witness = await startWitness(t, stage.ns);
  stage.pass(rows(200, 100));
  const inside = new Map([
    ['eth1.100', brq('a')],
    ['eth1.200', brq('b')],
  ]);
  for (const line of await witness.events()) {
    const [, device, master] = /(eth1\.[12]00)@\S+ .*?(?:master (\S+) |state )/.exec(line) ?? [];
    if (device === undefined) continue;
    if (master === undefined) inside.delete(device);
    else inside.set(device, master);
    assert.equal(new Set(inside.values()).size, inside.size, line);
  }
  assert.deepEqual(Object.fromEntries(inside), { 'eth1.100': brq('b'), 'eth1.200': brq('a') });
});
