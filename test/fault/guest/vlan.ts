import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../support/databases/servers.js';
import { makeConfig, startAgent } from '../../support/host/agent.js';
import { BROADCAST, markedFrame, openWire, taggedFrame, type Wire } from '../../support/host/frames.js';
import {
  bridgeOf,
  makeHost,
  masterOf,
  networkId,
  portId,
  type TestHost,
  tapOf,
} from '../../support/host/host.js';
import { type Cleanup, command, ip, ipLink, makeVeth } from '../../support/host/netns.js';
import { makeGuest } from '../../support/host/traffic.js';

/** Runs in User-mode Linux; the database is outside, at the other end of the guest's card. */
const DATABASE_URL = process.env.FAULT_DATABASE_URL ?? '';
const CARD = 'vec0';

/** A host with two interfaces, and the card to the database. */
function makeStage(t: Cleanup): TestHost {
  let giveBack = (): void => {};
  // Before the namespace goes, which is after this: the next test needs the card.
  t.after(() => giveBack());
  const host = makeHost(t);
  makeVeth(host.namespace, 'eth2', host.outside, 'far2');
  command('ip', 'link', 'set', CARD, 'netns', host.namespace);
  giveBack = () => void ip(host.namespace, 'link', 'set', CARD, 'netns', '1');
  ip(host.namespace, 'address', 'add', '10.9.0.2/24', 'dev', CARD);
  ip(host.namespace, 'link', 'set', CARD, 'up');
  return host;
}

const start = (t: Cleanup, { namespace }: TestHost, agent: readonly string[] = []) =>
  startAgent(
    t,
    namespace,
    makeConfig({
      url: DATABASE_URL,
      mappings: 'physnet1:eth1,physnet2:eth2',
      database: ['connect_timeout = 10', 'query_timeout = 10'],
      agent,
    }),
  );

const isWired = ({ namespace }: TestHost, n: number): Promise<void> =>
  waitUntil(
    () =>
      masterOf(namespace, tapOf(portId(n))) === bridgeOf(networkId(n)) &&
      ipLink(namespace, tapOf(portId(n)))?.flags.includes('UP') === true,
    `tap ${n} is wired`,
  );

const carrying = (wire: Wire, text: string): number =>
  wire.received().filter((frame) => frame.includes(text)).length;

for (const drop of [true, false]) {
  test(`frames that a guest of a flat network has tagged ${drop ? 'do not leave' : 'leave'} the uplink with drop_tagged_frames = ${drop}`, async (t) => {
    const host = makeStage(t);
    const guest = makeGuest(t, host.namespace, tapOf(portId(1)), 1);
    const agent = await start(t, host, [`drop_tagged_frames = ${drop}`]);
    await isWired(host, 1);
    const canDrop = !agent.lines().some(({ code }) => code === 'TAGGED_FRAMES_PASS');
    const [from, far] = [openWire(t, guest.namespace, 'eth0'), openWire(t, host.outside, 'far')];
    for (let sent = 0; sent < 20; sent++) {
      from.send(markedFrame('with a tag', 100));
      // A bridge takes off a tag of VLAN 0, or of its own, and looks at no other.
      for (const outer of ['81000000', '81000001'])
        from.send(taggedFrame('with a tag behind another', BROADCAST, `${outer}81000064`));
      from.send(markedFrame('without one'));
    }
    let untagged = 0;
    let tagged = 0;
    await waitUntil(() => {
      const frames = far.received();
      untagged += frames.filter((frame) => frame.includes('without one')).length;
      tagged += frames.filter((frame) => frame.includes('with a tag')).length;
      return untagged >= 20;
    }, 'untagged frames have left the uplink');
    assert.equal(untagged, 20);
    if (drop && canDrop) assert.equal(tagged, 0);
    else assert.ok(tagged > 0, 'they are there to be dropped');
    assert.ok(canDrop || drop, 'who does not ask for it is not warned');
  });
}

test('two networks that ask for one VLAN are never joined, not for one frame', async (t) => {
  const host = makeStage(t);
  const [one, two] = [2, 3].map((n) => makeGuest(t, host.namespace, tapOf(portId(n)), n));
  assert.ok(one && two);
  const [ofOne, ofTwo] = [openWire(t, one.namespace, 'eth0'), openWire(t, two.namespace, 'eth0')];
  const flood = setInterval(() => {
    ofOne.send(markedFrame('from one'));
    ofTwo.send(markedFrame('from two'));
  }, 2);
  t.after(() => clearInterval(flood));

  const agent = await start(t, host);
  const wired = (): number[] => [2, 3].filter((n) => masterOf(host.namespace, tapOf(portId(n))) !== null);
  await waitUntil(() => wired().length > 0, 'one of the two is wired');
  await delay(1500);

  assert.equal(wired().length, 1);
  assert.ok(agent.lines().some(({ code }) => code === 'SEGMENT_CONFLICT'));
  assert.equal(carrying(ofOne, 'from two'), 0);
  assert.equal(carrying(ofTwo, 'from one'), 0);
});
