import { openKernel } from '../../../src/kernel/kernel.js';
import { type Answer, linkName, networkId, type Operation } from '../../../src/model/index.js';
import { EMPTY_MEMORY } from '../../../src/reconcile/remember/memory.js';
import { type Cleanup, enterNamespace, ipBatch } from '../../support/host/netns.js';
import { type Family, makeWire } from '../../support/host/wire.js';
import { buildSettings } from '../../support/simulated/host-builder.js';
import { runOnce, TEST_NOW_MS } from '../../support/simulated/pass-runner.js';
import { buildAnswer } from '../../support/simulated/row-builder.js';

export const NETWORK = networkId('aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee');
export const BRIDGE = 'brqaaaaaaaa-bb';
export const DEVICE = 'vxlan-1001';

/** One host of a small cloud: a namespace on the common wire, with a bridge of the network. */
export interface CloudHost {
  readonly name: string;
  readonly ns: string;
  readonly local: string;
  /** One pass with the rows as they are: who else has ports of the network, and where their tunnels end. */
  pass(hosts: readonly CloudHost[], afterMs?: number): readonly Operation[];
}

/** Hosts on one wire, each with the address that its tunnels end at. */
export const makeCloud = (t: Cleanup, family: Family, count: number): readonly CloudHost[] =>
  makeWire(t, family, count).map(({ namespace: ns, local }, at) => {
    ipBatch(ns, [
      `link add ${BRIDGE} type bridge forward_delay 0`,
      `link set ${BRIDGE} alias quantum-linuxbridge-agent:${NETWORK} up`,
    ]);
    const name = `host${at + 1}`;
    return { name, ns, local, pass: passesOn(t, ns, local) };
  });

/** The agent's own passes, with the ports of `tap1` and `tap2` in the rows. */
function passesOn(t: Cleanup, ns: string, local: string): CloudHost['pass'] {
  const kernel = inside(ns, openKernel);
  t.after(() => kernel.close());
  const settings = buildSettings({
    interfaces: [],
    dropTaggedFrames: false,
    plugGraceMs: 0,
    tunnels: { local },
  });
  let memory = EMPTY_MEMORY;
  let nowMs = TEST_NOW_MS;
  return (hosts, afterMs = 0) => {
    nowMs += afterMs;
    const result = inside(ns, () =>
      runOnce(kernel, settings, answerFor(hosts.filter((one) => one.local !== local)), { memory, nowMs }),
    );
    ({ memory } = result);
    const { operations, failed, warnings } = result.report;
    if (failed.length + warnings.length > 0) throw new Error(JSON.stringify({ failed, warnings }));
    return operations;
  };
}

/** This host is one of them by itself. */
const answerFor = (others: readonly CloudHost[]): Answer =>
  buildAnswer({
    generation: 'ml2',
    ports: ['1', '2'].map((id) => ({ id, network: NETWORK, status: 'ACTIVE' })),
    networks: [{ id: NETWORK, segments: ['vxlan 1001'], mtu: 1450 }],
    hosts: { [NETWORK]: Object.fromEntries(others.map(({ name, local }) => [name, local])) },
  });

/** Runs something synchronous in a namespace, and comes back. */
function inside<Result>(ns: string, run: () => Result): Result {
  const ends: (() => unknown)[] = [];
  enterNamespace({ after: (end) => void ends.push(end) }, ns);
  try {
    return run();
  } finally {
    for (const end of ends) end();
  }
}

/** Plugs a guest's tap into the bridge of the network, as libvirt does. */
export const plug = ({ ns }: CloudHost, tap: string): void =>
  ipBatch(ns, [`link set ${linkName(tap)} master ${BRIDGE}`, `link set ${tap} up`]);
