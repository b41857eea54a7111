import { openKernel } from '../../../src/kernel/kernel.js';
import { type ForwardingAnswer, linkName, networkId, type Operation } from '../../../src/model/index.js';
import { decideForwarding } from '../../../src/reconcile/forwarding/decide-forwarding.js';
import { NO_PAIR_MEMORY } from '../../../src/reconcile/forwarding/guard-pairs.js';
import { tunnelOperations } from '../../../src/reconcile/forwarding/plan-tunnel.js';
import { resolveTunnel } from '../../../src/reconcile/forwarding/resolve-tunnel.js';
import { viewOf } from '../../../src/reconcile/see/view.js';
import { type Cleanup, enterNamespace, ipBatch } from '../../support/host/netns.js';
import { type Family, makeWire } from '../../support/host/wire.js';
import { buildSettings } from '../../support/simulated/host-builder.js';

export const NETWORK = networkId('aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee');
export const BRIDGE = 'brqaaaaaaaa-bb';
export const DEVICE = 'vxlan-1001';
const SEGMENT = 'segment';

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
    return { name, ns, local, pass: passesOn(t, ns, name, local) };
  });

/** What the kernel room sees and the rooms of forwarding make of it. */
function passesOn(t: Cleanup, ns: string, host: string, local: string): CloudHost['pass'] {
  const kernel = inside(ns, openKernel);
  t.after(() => kernel.close());
  const settings = { local, port: 8472, ttl: null, tos: null, sourcePorts: null, multicast: null };
  let memory = NO_PAIR_MEMORY;
  let nowMs = 0;
  return (hosts, afterMs = 0) => {
    nowMs += afterMs;
    // What listens to entries is opened when there is a tunnel.
    const view = viewOf(inside(ns, kernel.observe), buildSettings({ interfaces: [] }));
    const real = resolveTunnel(view, settings, { id: NETWORK, vni: 1001, mtu: 1450 });
    const bridge = view.labelledBridges.get(NETWORK);
    if (!real.ok || bridge === undefined) throw new Error('the network cannot be served');
    const { tunnel } = real;
    const decision = decideForwarding({
      view,
      host,
      local,
      served: [{ network: NETWORK, segment: SEGMENT, tunnel }],
      present: view.observed.forwarding,
      answer: answerFor(hosts),
      basis: 'answer',
      isWhole: () => true,
      doubt: null,
      accepted: new Set(),
      memory,
      nowMs,
    });
    ({ memory } = decision);
    const decided = decision.tunnels.get(NETWORK);
    if (decided === undefined) throw new Error('the tunnel is decided about');
    const ref = { name: bridge.name, index: bridge.index };
    const operations = tunnelOperations({ ...decided, network: NETWORK, mtu: 1450, bridge: ref });
    const failed = inside(ns, () => kernel.apply(operations)).filter(({ ok }) => !ok);
    if (failed.length > 0) throw new Error(JSON.stringify(failed));
    return operations;
  };
}

const answerFor = (hosts: readonly CloudHost[]): ForwardingAnswer => ({
  tunnels: [],
  hosts: new Map([[SEGMENT, hosts.map(({ name }) => name)]]),
  endpoints: new Map(hosts.map(({ name, local }) => [name, { kind: 'address', address: local }])),
  vnis: new Map(),
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
