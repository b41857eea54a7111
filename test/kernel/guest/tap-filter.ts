import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BROADCAST, openWire, taggedFrame, type Wire } from '../../support/host/frames.js';
import { type Cleanup, command, ipBatch, ipJson, makeNamespace } from '../../support/host/netns.js';
import { makeStage, type Stage } from '../contract/case.js';
import { brq, makeTap, network, port, tap } from '../contract/names.js';

/** Run on the machine's kernel by tap-filter.test.ts, and in a guest by frames.ts. */

const FLAT = { ports: [port('1', 'a')], networks: [network('a', 'flat physnet1')] };
const LIMIT_MS = 10_000;

/** What a guest may send, by what is before the type of its payload. */
const TAGGED = {
  'VLAN 100': [BROADCAST, '81000064'],
  'VLAN 1, the bridge’s own': [BROADCAST, '81000001'],
  'VLAN 0 before VLAN 100': [BROADCAST, '8100000081000064'],
  'VLAN 1 before VLAN 100': [BROADCAST, '8100000181000064'],
  'VLAN 0 twice': [BROADCAST, '8100000081000000'],
  'VLAN 0 twice before VLAN 100': [BROADCAST, '810000008100000081000064'],
  'VLAN 0 before 802.1ad': [BROADCAST, '8100000088a80064'],
  'VLAN 0 before 0x9100': [BROADCAST, '8100000091000064'],
  '802.1ad': [BROADCAST, '88a80064'],
  '802.1ad with VLAN 0': [BROADCAST, '88a80000'],
  '802.1ad with VLAN 0 before VLAN 100': [BROADCAST, '88a8000081000064'],
  '0x9100': [BROADCAST, '91000064'],
  '0x9200': [BROADCAST, '92000064'],
} as const;
const TO_SWITCH = {
  STP: ['0180c2000000', ''],
  GVRP: ['0180c2000021', ''],
  MVRP: ['0180c2000020', ''],
  PVST: ['01000ccccccd', ''],
  CDP: ['01000ccccccc', ''],
} as const;
const HARMLESS = {
  'no tag': [BROADCAST, ''],
  'a lone priority tag': [BROADCAST, '81000000'],
  'a multicast of IPv4': ['01005e000001', ''],
} as const;

type Frames = Readonly<Record<string, readonly [to: string, tags: string]>>;

const frame = (text: string, [to, tags]: readonly [string, string]): Buffer =>
  taggedFrame(`<${text}>`, to, tags);

/** A guest behind the tap of port 1, and what the cable of `eth1` ends in. */
function makeWires(t: Cleanup, { ns }: Stage): { readonly guest: Wire; readonly outside: Wire } {
  const [guest, outside] = [makeNamespace(t), makeNamespace(t)];
  ipBatch(ns, [
    `link add ${tap('1')} type veth peer name inside netns ${guest}`,
    `link set far netns ${outside}`,
  ]);
  ipBatch(guest, ['link set inside up']);
  ipBatch(outside, ['link set far up']);
  return { guest: openWire(t, guest, 'inside'), outside: openWire(t, outside, 'far') };
}

/** Which of the frames come out on the cable, between two that must. */
async function passing(wires: ReturnType<typeof makeWires>, frames: Frames): Promise<string[]> {
  await until(wires, 'the beginning');
  for (const [text, words] of Object.entries(frames)) wires.guest.send(frame(text, words));
  const seen = await until(wires, 'the end');
  return Object.keys(frames).filter((text) => seen.includes(text));
}

/** Sends a frame until it comes out: frames keep their order, and a port forwards a little after it is up. */
async function until({ guest, outside }: ReturnType<typeof makeWires>, mark: string): Promise<string[]> {
  const seen: string[] = [];
  const end = performance.now() + LIMIT_MS;
  while (!seen.includes(mark)) {
    assert.ok(performance.now() < end, 'nothing passes at all');
    guest.send(frame(mark, [BROADCAST, '']));
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const received of outside.received()) {
      const text = /<(.*?)>/.exec(received.toString('latin1'))?.[1];
      if (text !== undefined) seen.push(Buffer.from(text, 'latin1').toString());
    }
  }
  return seen;
}

const nft = (ns: string, ...words: string[]): string => command('ip', 'netns', 'exec', ns, 'nft', ...words);
const groupOf = (ns: string, link: string): unknown =>
  ipJson<{ ifname: string; group?: string }>(ns, 'link', 'show').find(({ ifname }) => ifname === link)?.group;

test('no frame of a guest that is tagged, in whatever way, or speaks to the switch leaves its tap', async (t) => {
  const stage = makeStage(t, [], { dropTaggedFrames: true });
  const wires = makeWires(t, stage);
  const { warnings } = stage.pass(FLAT);
  assert.deepEqual(warnings, []);
  assert.deepEqual(await passing(wires, TAGGED), []);
  assert.deepEqual(await passing(wires, TO_SWITCH), []);
  assert.deepEqual(await passing(wires, HARMLESS), Object.keys(HARMLESS));
});

test('each of the two settings lets its own frames pass and no other', async (t) => {
  const stage = makeStage(t, [], { dropTaggedFrames: false, dropSwitchFrames: true });
  const wires = makeWires(t, stage);
  stage.pass(FLAT);
  assert.deepEqual(await passing(wires, TAGGED), Object.keys(TAGGED));
  assert.deepEqual(await passing(wires, TO_SWITCH), []);
});

test('with both settings false everything passes, and there is no table', async (t) => {
  const stage = makeStage(t, [], { dropTaggedFrames: false });
  const wires = makeWires(t, stage);
  stage.pass(FLAT);
  const everything = { ...TAGGED, ...TO_SWITCH };
  assert.deepEqual(await passing(wires, everything), Object.keys(everything));
  assert.equal(nft(stage.ns, 'list', 'tables'), '');
});

test('a table that somebody flushed or changed is made again with the next pass, and tables of others stay', async (t) => {
  const stage = makeStage(t, [], { dropTaggedFrames: true });
  const wires = makeWires(t, stage);
  stage.pass(FLAT);
  const right = nft(stage.ns, 'list', 'ruleset');
  assert.deepEqual(stage.pass(FLAT, 'plan').operations, []);
  for (const harm of [
    ['flush', 'ruleset'],
    ['delete', 'table', 'bridge', 'quantum-linuxbridge-agent'],
    ['insert', 'rule', 'bridge', 'quantum-linuxbridge-agent', 'from_tap', 'accept'],
    ['flush', 'chain', 'bridge', 'quantum-linuxbridge-agent', 'from_tap'],
    ['add', 'table', 'bridge', 'quantum-linuxbridge-agent', '{ flags dormant; }'],
  ]) {
    // What is undone again and again is repaired after longer and longer pauses.
    stage.wait(600_000);
    nft(stage.ns, ...harm);
    assert.deepEqual(
      stage.pass(FLAT).operations.map(({ op }) => op),
      ['set-tap-filter'],
      harm.join(' '),
    );
    assert.equal(nft(stage.ns, 'list', 'ruleset'), right);
  }
  nft(stage.ns, 'add', 'table', 'bridge', 'somebody');
  assert.deepEqual(stage.pass(FLAT).operations, []);
  assert.match(nft(stage.ns, 'list', 'tables'), /table bridge somebody/);
  assert.deepEqual(await passing(wires, TAGGED), []);
});

test('the table and the mark of the taps go with the last bridge that needs them', (t) => {
  const stage = makeStage(t, [makeTap('1')], { dropTaggedFrames: true });
  stage.pass(FLAT);
  assert.equal(groupOf(stage.ns, tap('1')), '7433314');
  nft(stage.ns, 'add', 'table', 'bridge', 'somebody');
  stage.pass({ ports: [], networks: [] });
  assert.equal(groupOf(stage.ns, brq('a')), undefined);
  assert.equal(groupOf(stage.ns, tap('1')), 'default');
  assert.equal(nft(stage.ns, 'list', 'tables').trim(), 'table bridge somebody');
});

test('a tap that somebody has put into another device group is filtered again with the next pass', async (t) => {
  const stage = makeStage(t, [], { dropTaggedFrames: true });
  const wires = makeWires(t, stage);
  stage.pass(FLAT);
  ipBatch(stage.ns, [`link set ${tap('1')} group 0`]);
  assert.deepEqual(
    stage.pass(FLAT).operations.map(({ op, device }) => [op, device]),
    [['set-group', tap('1')]],
  );
  assert.deepEqual(await passing(wires, TAGGED), []);
});
