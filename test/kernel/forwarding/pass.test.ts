import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { openKernel } from '../../../src/kernel/kernel.js';
import type { Kernel, Operation, PassReport } from '../../../src/model/index.js';
import { EMPTY_MEMORY } from '../../../src/reconcile/remember/memory.js';
import { fdb, fdbOf } from '../../support/host/fdb.js';
import {
  type Cleanup,
  enterNamespace,
  ipBatch,
  ipLink,
  makeNamespace,
  makeTap,
} from '../../support/host/netns.js';
import { buildSettings, LOCAL } from '../../support/simulated/host-builder.js';
import { runOnce } from '../../support/simulated/pass-runner.js';
import { buildAnswer } from '../../support/simulated/row-builder.js';

const NETWORK = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const BRIDGE = 'brqaaaaaaaa-aa';
const DEVICE = 'vxlan-77';
const TAP = 'tap11111111-11';
const FLOOD = '00:00:00:00:00:00';

const HOST = buildSettings({ interfaces: [], dropTaggedFrames: false, plugGraceMs: 0, tunnels: {} });
const ANSWER = buildAnswer({
  generation: 'ml2',
  ports: [{ id: '11111111-1111-4111-8111-111111111111', network: NETWORK, status: 'DOWN' }],
  networks: [{ id: NETWORK, segments: ['vxlan 77'], mtu: 1450 }],
  hosts: { [NETWORK]: { 'node-1': LOCAL, 'node-2': '192.0.2.2', 'node-3': '192.0.2.3' } },
});

/** A namespace with the underlay and a tap, and the process in it. */
function makeHost(t: Cleanup): string {
  const ns = makeNamespace(t);
  ipBatch(ns, [
    'link add eth1 up type veth peer name far',
    'link set far up',
    `address add ${LOCAL}/24 dev eth1`,
  ]);
  makeTap(ns, TAP);
  enterNamespace(t, ns);
  return ns;
}

/** As the agent's kernel, in a process that is killed after so many operations. */
class Killed extends Error {}
const killedAfter = (kernel: Kernel, count: number): Kernel => ({
  ...kernel,
  apply: (operations) => {
    kernel.apply(operations.slice(0, count));
    if (operations.length > count) throw new Killed();
    return [];
  },
});

/** A start of the agent, and its first pass. */
async function start(kill: number | null = null): Promise<PassReport | null> {
  const kernel = openKernel();
  try {
    return runOnce(kill === null ? kernel : killedAfter(kernel, kill), HOST, ANSWER, { memory: EMPTY_MEMORY })
      .report;
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    return null;
  } finally {
    await kernel.close();
  }
}

/** The network's links and entries, as `ip` and `bridge` show them. */
function inWords(ns: string): unknown {
  const words = [BRIDGE, DEVICE, TAP].map((name) => {
    const { master = '', mtu, flags = [], ifalias = '', linkinfo } = ipLink(ns, name) ?? {};
    const { id, local, port, learning, group } = linkinfo?.info_data ?? {};
    return [name, master, mtu, flags.includes('UP'), ifalias, { id, local, port, learning, group }];
  });
  const entries = fdbOf(ns, DEVICE)
    .filter(({ state }) => state === 'permanent')
    .map(({ mac, dst }) => `${mac} ${dst}`);
  return [words, entries.sort()];
}

const label = `quantum-linuxbridge-agent:${NETWORK}`;
const tunnel = { id: 77, local: LOCAL, port: 8472, learning: true, group: undefined };
const nothing = Object.fromEntries(Object.keys(tunnel).map((key) => [key, undefined]));
const WHOLE = [
  [
    [BRIDGE, '', 1450, true, label, nothing],
    [DEVICE, BRIDGE, 1450, true, label, tunnel],
    [TAP, BRIDGE, 1450, true, '', nothing],
  ],
  [`${FLOOD} 192.0.2.2`, `${FLOOD} 192.0.2.3`],
];

const deeds = ({ operations }: PassReport): string[] =>
  operations
    .filter(({ device }) => device === DEVICE || device === TAP)
    .map(({ op, device }) => `${op} ${device}`);

test('a tap of a vxlan network is wired: the tunnel is whole before it comes in, and comes in before the tap', async (t) => {
  const ns = makeHost(t);
  const report = await start();
  assert.ok(report);
  assert.deepEqual(report.failed, []);
  assert.deepEqual(inWords(ns), WHOLE);
  assert.deepEqual(deeds(report), [
    'create-vxlan vxlan-77',
    'set-label vxlan-77',
    'disable-ipv6 vxlan-77',
    'set-mtu vxlan-77',
    'set-forwarding vxlan-77',
    'attach vxlan-77',
    'set-up vxlan-77',
    `disable-ipv6 ${TAP}`,
    `set-mtu ${TAP}`,
    `attach ${TAP}`,
    `set-up ${TAP}`,
  ]);
  assert.deepEqual((await start())?.operations, []);
});

test('an agent that is killed between any two operations is finished by the next, which undoes nothing', async (t) => {
  const operations = (await begun(t))?.operations ?? [];
  for (let kill = 0; kill < operations.length; kill++) {
    const ns = makeHost(t);
    assert.equal(await start(kill), null);
    const there = ipLink(ns, DEVICE)?.ifindex;
    const report = await start();
    assert.deepEqual([report?.failed, inWords(ns)], [[], WHOLE], `killed after ${kill} operations`);
    if (there !== undefined) assert.equal(ipLink(ns, DEVICE)?.ifindex, there, 'the tunnel was made again');
  }
});

async function begun(t: Cleanup): Promise<PassReport | null> {
  makeHost(t);
  return start();
}

/** As Zed's agent leaves them: an unlabelled bridge, a device on its interface, an entry of the group and one for each port. */
function makeAsNeutron(ns: string): void {
  ipBatch(ns, [
    `link add ${BRIDGE} type bridge forward_delay 0`,
    `link add ${DEVICE} type vxlan id 77 dev eth1 group 224.0.0.1 srcport 0 0 dstport 8472 nolearning`,
    `link set ${DEVICE} mtu 1450 master ${BRIDGE}`,
    `link set ${DEVICE} up`,
    `link set ${BRIDGE} up`,
    `link set ${TAP} master ${BRIDGE} up`,
  ]);
  fdb(ns, 'append', FLOOD, 'dev', DEVICE, 'dst', '192.0.2.2');
  fdb(ns, 'replace', 'fa:16:3e:00:00:02', 'dev', DEVICE, 'dst', '192.0.2.2');
}

const TAKEN_OVER = [
  [WHOLE[0]?.[0], [DEVICE, BRIDGE, 1450, true, label, { ...tunnel, group: '224.0.0.1' }], WHOLE[0]?.[2]],
  WHOLE[1],
];

test('what a Neutron agent has made is taken over as it is, in whatever moment the agent is killed', async (t) => {
  const first = makeHost(t);
  makeAsNeutron(first);
  const operations = (await start())?.operations ?? [];
  assert.deepEqual(inWords(first), TAKEN_OVER);
  const cuts = (ops: readonly Operation[]): Operation[] =>
    ops.filter(({ op }) => ['detach', 'create-vxlan', 'delete-vxlan', 'delete-bridge'].includes(op));
  assert.deepEqual(cuts(operations), []);
  for (let kill = 0; kill < operations.length; kill++) {
    const ns = makeHost(t);
    makeAsNeutron(ns);
    await start(kill);
    const report = await start();
    assert.deepEqual([report?.failed, inWords(ns)], [[], TAKEN_OVER], `killed after ${kill} operations`);
    assert.deepEqual(cuts(report?.operations ?? []), []);
  }
});

test('a UDP port that another program has is told, and the tap is wired when that program has gone', async (t) => {
  const ns = makeHost(t);
  const socket = createSocket('udp4');
  const listening = once(socket, 'listening');
  socket.bind(8472);
  await listening;
  const refused = await start();
  assert.ok(refused?.warnings.some(({ code, device }) => code === 'VXLAN_PORT_TAKEN' && device === DEVICE));
  assert.equal(ipLink(ns, TAP)?.master, undefined);
  const closed = once(socket, 'close');
  socket.close();
  await closed;
  await start();
  assert.deepEqual(inWords(ns), WHOLE);
});
