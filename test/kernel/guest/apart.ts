import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { reaches } from '../../support/host/neighbour.js';
import { type Cleanup, ip, ipBatch, ipLink, makeNamespace, spawnIn } from '../../support/host/netns.js';
import { makeStage, type Stage } from '../contract/case.js';
import { brq, makeTap, network, port, tap } from '../contract/names.js';

/** Run on the machine's kernel by apart.test.ts, and in a guest by frames.ts. */

const [HOST, MANAGEMENT, STRANGER] = ['192.168.1.5', '192.168.1.9', '192.168.1.77'];
const LIMIT_MS = 4_000;

/** UDP packets that a namespace has taken, whether or not somebody listened. */
function udpTaken(ns: string): number {
  const [, values = ''] = readLines(ns, '/proc/net/snmp').filter((line) => line.startsWith('Udp:'));
  const [, taken, withoutPort] = values.split(' ').map(Number);
  return (taken ?? 0) + (withoutPort ?? 0);
}

const readLines = (ns: string, file: string): string[] =>
  ip(ns, 'netns', 'exec', ns, 'cat', file).split('\n');

const conf = (link: string, setting: string): string => `/proc/sys/net/ipv4/conf/${link}/${setting}`;
const settingOf = (link: string, setting: string): string => readFileSync(conf(link, setting), 'utf8').trim();

/** A host that forwards, with an address on its management network, and a machine there. */
function makeManagement(t: Cleanup, { ns }: Stage): string {
  const management = makeNamespace(t);
  ipBatch(ns, [
    `link add mgmt type veth peer name eth0 netns ${management}`,
    'link set mgmt up',
    `address add ${HOST}/24 dev mgmt`,
    `route add default via ${MANAGEMENT}`,
  ]);
  ipBatch(management, ['link set eth0 up', `address add ${MANAGEMENT}/24 dev eth0`]);
  return management;
}

/** A guest that takes the host for its router to the management network, and has an address of that network, too. */
function makeGuest(t: Cleanup, { ns }: Stage): string {
  const guest = makeNamespace(t);
  ipBatch(ns, [`link add ${tap('1')} type veth peer name inside netns ${guest}`]);
  ipBatch(guest, [
    'link set inside up',
    'address add 10.0.0.7/24 dev inside',
    `address add ${STRANGER}/32 dev inside`,
    `route add ${HOST} dev inside src 10.0.0.7`,
    `route add ${MANAGEMENT} via ${HOST} dev inside onlink src 10.0.0.7`,
  ]);
  return guest;
}

/** Sends from the guest's own address and from one of the management network, to the host and through it. */
async function sendAll(guest: string): Promise<void> {
  for (const source of ['10.0.0.7', STRANGER]) {
    ipBatch(guest, [
      `route replace ${HOST} dev inside src ${source}`,
      `route replace ${MANAGEMENT} via ${HOST} dev inside onlink src ${source}`,
    ]);
    for (const address of [HOST, MANAGEMENT]) {
      const send = spawnIn(guest, 'bash', '-c', `for n in 1 2 3; do echo > /dev/udp/${address}/9; done`);
      await new Promise((resolve) => send.once('exit', resolve));
    }
  }
}

for (const rpFilter of ['0', '2']) {
  test(`a guest reaches neither the host's IPv4 addresses nor what is behind it, with rp_filter ${rpFilter} for all`, async (t) => {
    const stage = makeStage(t, []);
    const management = makeManagement(t, stage);
    writeFileSync(conf('all', 'rp_filter'), rpFilter);
    writeFileSync(conf('default', 'rp_filter'), '0');
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
    const guest = makeGuest(t, stage);
    stage.pass({ ports: [port('1', 'a')], networks: [network('a', 'local')] });
    const before = [udpTaken(stage.ns), udpTaken(management)];

    assert.equal(await reaches(guest, HOST, LIMIT_MS), false, 'the host answered a guest');
    const mac = ipLink(stage.ns, brq('a'))?.address ?? '';
    ip(guest, 'neighbour', 'replace', HOST, 'lladdr', mac, 'dev', 'inside');
    await sendAll(guest);
    assert.deepEqual([udpTaken(stage.ns), udpTaken(management)], before);
  });
}

const LOCAL = [network('a', 'local')];
const WIRED = { ports: [port('1', 'a')], networks: LOCAL };
for (const [what, earlier, rows] of [
  ['whose port is set down', [], { ports: [port('1', 'a', { adminUp: false })], networks: LOCAL }],
  ['whose port was deleted', [WIRED], { networks: LOCAL }],
  [
    'whose network cannot be served',
    [],
    { ports: [port('1', 'a')], networks: [network('a', 'flat nowhere')] },
  ],
] as const) {
  test(`nor does a guest ${what}, whose tap is in no bridge at all`, async (t) => {
    const stage = makeStage(t, []);
    const management = makeManagement(t, stage);
    for (const link of ['all', 'default']) writeFileSync(conf(link, 'rp_filter'), '0');
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
    const guest = makeGuest(t, stage);
    ip(stage.ns, 'link', 'set', tap('1'), 'up');
    for (const one of [...earlier, rows]) stage.pass(one);
    const before = [udpTaken(stage.ns), udpTaken(management)];

    assert.equal(await reaches(guest, HOST, LIMIT_MS), false, 'the host answered a guest');
    const mac = ipLink(stage.ns, tap('1'))?.address ?? '';
    ip(guest, 'neighbour', 'replace', HOST, 'lladdr', mac, 'dev', 'inside');
    await sendAll(guest);
    assert.deepEqual([udpTaken(stage.ns), udpTaken(management)], before);
    assert.deepEqual(stage.pass(rows, 'plan').operations, []);
  });
}

test('the tests above would notice: on a bridge of somebody else the host answers, takes and forwards', async (t) => {
  const stage = makeStage(t, []);
  const management = makeManagement(t, stage);
  for (const link of ['all', 'default']) writeFileSync(conf(link, 'rp_filter'), '0');
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  const guest = makeGuest(t, stage);
  ipBatch(stage.ns, ['link add br0 up type bridge', `link set ${tap('1')} master br0 up`]);
  const before = [udpTaken(stage.ns), udpTaken(management)];
  assert.equal(await reaches(guest, HOST, LIMIT_MS), true);
  await sendAll(guest);
  const [onHost, onManagement] = [udpTaken(stage.ns), udpTaken(management)];
  assert.ok(onHost > (before[0] ?? 0) && onManagement > (before[1] ?? 0));
});

test('who turns forwarding on for the whole host does not open the bridges of guests for longer than a look', (t) => {
  const stage = makeStage(t, []);
  const guest = makeGuest(t, stage);
  const rows = { ports: [port('1', 'a')], networks: [network('a', 'local')] };
  stage.pass(rows);
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  assert.equal(settingOf(brq('a'), 'forwarding'), '1');
  assert.deepEqual(
    stage.pass(rows).operations.map(({ op, device }) => [op, device]),
    [['set-ipv4', brq('a')]],
  );
  assert.equal(settingOf(brq('a'), 'forwarding'), '0');
  assert.ok(guest);
});

test('a flat bridge with the host’s addresses stays the host’s own, also when they come later', async (t) => {
  const stage = makeStage(t, []);
  const guest = makeGuest(t, stage);
  const rows = { ports: [port('1', 'a')], networks: [network('a', 'flat physnet1')] };
  stage.pass(rows);
  assert.equal(settingOf(brq('a'), 'arp_ignore'), '8');
  ip(stage.ns, 'address', 'add', '10.0.0.5/24', 'dev', 'eth1');
  stage.pass(rows);
  assert.equal(settingOf(brq('a'), 'arp_ignore'), settingOf('eth1', 'arp_ignore'));
  assert.equal(await reaches(guest, '10.0.0.5', LIMIT_MS), true);
  assert.deepEqual(stage.pass(rows, 'plan').operations, []);
});

test('a flat bridge that takes the host’s addresses takes the IPv4 settings of their interface, and not those of new links', (t) => {
  const stage = makeStage(t, ['address add 10.0.0.5/24 dev eth1', makeTap('1')]);
  const settings = { rp_filter: '0', arp_ignore: '1', forwarding: '1' };
  writeFileSync(conf('default', 'rp_filter'), '1');
  for (const [setting, value] of Object.entries(settings)) writeFileSync(conf('eth1', setting), value);
  const rows = { ports: [port('1', 'a')], networks: [network('a', 'flat physnet1')] };
  stage.pass(rows);
  for (const [setting, value] of Object.entries(settings)) {
    assert.equal(settingOf(brq('a'), setting), value, setting);
  }
  assert.deepEqual(stage.pass(rows, 'plan').operations, []);
});

test('an address that somebody puts on the bridge of a local network answers its guests', async (t) => {
  const stage = makeStage(t, []);
  const guest = makeGuest(t, stage);
  const rows = { ports: [port('1', 'a')], networks: [network('a', 'local')] };
  stage.pass(rows);
  ip(stage.ns, 'address', 'add', '10.0.0.5/24', 'dev', brq('a'));
  stage.pass(rows);
  assert.equal(await reaches(guest, '10.0.0.5', LIMIT_MS), true);
  assert.deepEqual(stage.pass(rows, 'plan').operations, []);
});
