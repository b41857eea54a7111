import {
  type Binding,
  bridgeName,
  linkName,
  type Network,
  type Port,
  type PortId,
  tapName,
} from '../../src/model/index.js';
import { DEFAULT_IPV4, DEFAULT_IPV6, type SimulatedHost } from '../support/simulated/host.js';
import { buildNetwork } from '../support/simulated/row-builder.js';
import type { DraftRows } from './cloud.js';
import type { Random } from './random.js';
import { type Happen, type Kind, later, onHost, type Scene, tapsNow } from './scene.js';
import { anySegment, newNetwork, newPort, prefixOf } from './stage.js';

export const anyNetwork = ({ cloud }: Scene, random: Random): Network | null =>
  random.pick([...cloud.rows().networks.values()]);

/** One whose tap is here, most of the time. */
function anyPort(scene: Scene, random: Random): Port | null {
  const here = new Set<string>(tapsNow(scene).map(({ name }) => name));
  const ports = [...scene.cloud.rows().ports.values()];
  const wired = ports.filter(({ interfaceId }) => here.has(tapName(interfaceId)));
  return random.pick(wired.length > 0 && random.chance(0.9) ? wired : ports);
}

export const put = (scene: Scene, port: Port): void =>
  scene.cloud.change(({ ports }) => ports.set(port.id, port));

function changePort(scene: Scene, id: PortId, change: Partial<Port>): void {
  scene.cloud.change(({ ports }) => {
    const port = ports.get(id);
    if (port !== undefined) ports.set(id, { ...port, ...change });
  });
}

export function addTap(host: SimulatedHost, name: string): void {
  const serial = host.all().length;
  host.add({
    name: linkName(name),
    up: false,
    mac: `fe:16:3e:00:${(serial >> 8).toString(16).padStart(2, '0')}:${(serial & 255).toString(16).padStart(2, '0')}`,
    mtu: 1500,
    master: null,
    alias: '',
    altNames: [],
    detail: { kind: 'other', type: 'tun' },
    group: 0,
    ipv4: DEFAULT_IPV4,
    ipv6: DEFAULT_IPV6,
    addresses: [],
  });
}

export function removeTap(host: SimulatedHost, name: string): void {
  const tap = host.named(name);
  if (tap !== undefined) host.remove(tap.index);
}

/** libvirt plugs the tap of a `compute:` port into the bridge by its name, and gives up where there is none. */
function plugByHypervisor(host: SimulatedHost, port: Port): void {
  const tap = host.named(tapName(port.interfaceId));
  const bridge = host.named(bridgeName(port.networkId));
  if (tap === undefined || bridge?.detail.kind !== 'bridge') return;
  if (tap.master === null) host.enslave(tap.index, bridge.index);
  host.setUp(tap.index, true);
}

export function tapArrives(scene: Scene, random: Random, port: Port, delayMs: number): void {
  const name = tapName(port.interfaceId);
  later(scene, delayMs, `tap ${name} appears`, () => onHost(scene, (host) => addTap(host, name)));
  if (!port.pluggedByHypervisor) return;
  const pluggedMs = delayMs + random.between(20, 2_500);
  later(scene, pluggedMs, `libvirt plugs ${name}`, () =>
    onHost(scene, (host) => plugByHypervisor(host, port)),
  );
}

function tapLeaves(scene: Scene, port: Port, delayMs: number): void {
  const name = tapName(port.interfaceId);
  later(scene, delayMs, `tap ${name} goes`, () => onHost(scene, (host) => removeTap(host, name)));
}

/** Nova makes the row first and the tap then, or, `early`, the other way round. */
export const boots =
  (early: boolean): Happen =>
  (scene, random) => {
    const network = anyNetwork(scene, random);
    if (network === null) return null;
    const rows = [...scene.cloud.rows().ports.values()];
    const twin = random.chance(0.02) ? random.pick(rows) : null;
    const port = newPort(
      random,
      network.id,
      scene.cloud.generation,
      twin === null ? null : prefixOf(twin.id),
    );
    tapArrives(scene, random, port, early ? 0 : random.between(5, 1_500));
    if (early) later(scene, random.between(5, 3_000), `row of port ${port.id}`, () => put(scene, port));
    else put(scene, port);
    return `${early ? 'tap' : 'row'} first: port ${port.id} on network ${network.id}${port.pluggedByHypervisor ? ', plugged by libvirt' : ''}`;
  };

const portDeleted: Happen = (scene, random) => {
  const port = anyPort(scene, random);
  if (port === null) return null;
  const rowFirst = random.chance(0.5);
  const deleteRow = (): void =>
    scene.cloud.change(({ ports, bad }) => {
      ports.delete(port.id);
      bad.delete(port.id);
    });
  if (rowFirst) deleteRow();
  else later(scene, random.between(5, 3_000), `row of port ${port.id} goes`, deleteRow);
  tapLeaves(scene, port, rowFirst ? random.between(100, 8_000) : 0);
  return `port ${port.id} is deleted, ${rowFirst ? 'row' : 'tap'} first`;
};

/** Changes one port as `change` says; null from it: it cannot be. */
const portChanges =
  (change: (scene: Scene, random: Random, port: Port) => [string, Partial<Port>] | null): Happen =>
  (scene, random) => {
    const port = anyPort(scene, random);
    const changed = port === null ? null : change(scene, random, port);
    if (port === null || changed === null) return null;
    const [what, values] = changed;
    changePort(scene, port.id, values);
    return `port ${port.id} ${what}`;
  };

const migratesAway: Happen = (scene, random) => {
  const port = anyPort(scene, random);
  if (port === null || !scene.cloud.hasHosts) return null;
  changePort(scene, port.id, { binding: { kind: 'elsewhere', host: 'node-2' }, status: 'ACTIVE' });
  tapLeaves(scene, port, random.between(0, 5_000));
  return `port ${port.id} migrates to node-2`;
};

const migratesHere: Happen = (scene, random) => {
  const network = anyNetwork(scene, random);
  if (network === null || !scene.cloud.hasHosts) return null;
  const fresh = newPort(random, network.id, scene.cloud.generation);
  const first = scene.cloud.generation === 'ml2' ? 'arriving' : 'elsewhere';
  const binding =
    first === 'arriving' ? ({ kind: first } as const) : ({ kind: first, host: 'node-2' } as const);
  put(scene, { ...fresh, status: 'ACTIVE', binding });
  tapArrives(scene, random, fresh, random.between(5, 2_000));
  later(scene, random.between(1_000, 6_000), `port ${fresh.id} is bound here`, () =>
    changePort(scene, fresh.id, { binding: { kind: 'here' } }),
  );
  return `port ${fresh.id} migrates here (${first})`;
};

const networkCreated: Happen = (scene, random) => {
  const twin = random.chance(0.08) ? anyNetwork(scene, random) : null;
  const network = newNetwork(random, anySegment(random), twin === null ? null : prefixOf(twin.id));
  scene.cloud.change(({ networks }) => networks.set(network.id, network));
  return `network ${network.id} is created: ${JSON.stringify(network.segments)}`;
};

const networkDeleted: Happen = (scene, random) => {
  const network = anyNetwork(scene, random);
  if (network === null) return null;
  const withPorts = random.chance(0.8);
  scene.cloud.change(({ networks, ports }) => {
    networks.delete(network.id);
    if (!withPorts) return;
    for (const port of ports.values()) if (port.networkId === network.id) ports.delete(port.id);
  });
  return `network ${network.id} is deleted${withPorts ? ' with its ports' : ', its ports are left'}`;
};

/** Changes one network as `change` says. */
const networkChanges =
  (what: string, change: (scene: Scene, random: Random, network: Network) => Network): Happen =>
  (scene, random) => {
    const network = anyNetwork(scene, random);
    if (network === null) return null;
    const changed = change(scene, random, network);
    scene.cloud.change(({ networks }: DraftRows) => networks.set(network.id, changed));
    return `network ${network.id} ${what}: ${JSON.stringify(changed.segments)}, MTU ${changed.mtu}`;
  };

const segmentsOf = (scene: Scene, random: Random): Network['segments'] => {
  const rival = random.chance(0.15) ? anyNetwork(scene, random) : null;
  return rival?.segments ?? buildNetwork({ id: 'any', segments: [anySegment(random)] }).segments;
};

/** Somebody writes nonsense into the binding of a network, and puts it right after a while, or never. */
const unreadable: Happen = (scene, random) => {
  const network = anyNetwork(scene, random);
  if (network === null) return null;
  const nonsense = random.pick([
    'bad vlan_id is 5000',
    'bad physical_network is NULL',
    'bad network_type is ""',
  ]);
  const put = (segments: Network['segments']): void =>
    scene.cloud.change(({ networks }) => {
      const now = networks.get(network.id);
      if (now !== undefined) networks.set(network.id, { ...now, segments });
    });
  put(buildNetwork({ id: 'any', segments: [nonsense ?? 'bad'] }).segments);
  if (random.chance(0.8)) {
    const delayMs = random.between(1_000, 15_000);
    later(scene, delayMs, `the binding of ${network.id} is put right`, () => put(network.segments));
  }
  return `network ${network.id} has a binding that cannot be read: ${nonsense}`;
};

const BINDINGS: readonly Binding[] = [
  { kind: 'here' },
  { kind: 'unhosted' },
  { kind: 'elsewhere', host: 'node-2' },
  { kind: 'standby', host: 'node-2' },
  { kind: 'other-driver', vifType: 'ovs' },
];

export const ROW_HAPPENINGS: Readonly<Record<string, Kind>> = {
  boot: { weight: 26, happen: boots(false) },
  'boot-tap-first': { weight: 10, happen: boots(true) },
  'port-deleted': { weight: 8, happen: portDeleted },
  'port-admin': {
    weight: 6,
    happen: portChanges((_scene, _random, { adminUp }) => [
      adminUp ? 'goes admin down' : 'goes admin up',
      { adminUp: !adminUp },
    ]),
  },
  'port-moved': {
    weight: 5,
    happen: portChanges((scene, random) => {
      const network = anyNetwork(scene, random);
      return network === null ? null : [`moves to network ${network.id}`, { networkId: network.id }];
    }),
  },
  'port-bound': {
    weight: 4,
    happen: portChanges((scene, random) => {
      if (!scene.cloud.hasHosts) return null;
      const binding = random.pick(BINDINGS);
      if (binding === null) return null;
      return [`is bound: ${binding.kind}`, { binding }];
    }),
  },
  'port-status': {
    weight: 3,
    happen: portChanges((_scene, random) => {
      const status = random.pick(['ACTIVE', 'DOWN', 'ERROR', null]);
      return [`gets status ${status} from somebody else`, { status }];
    }),
  },
  'port-row-bad': {
    weight: 2,
    happen: (scene, random) => {
      const port = anyPort(scene, random);
      if (port === null) return null;
      scene.cloud.change(({ bad }) => void (bad.delete(port.id) || bad.add(port.id)));
      return `the row of port ${port.id} becomes unusable, or usable again`;
    },
  },
  'migrates-away': { weight: 3, happen: migratesAway },
  'migrates-here': { weight: 3, happen: migratesHere },
  'network-created': { weight: 4, happen: networkCreated },
  'network-deleted': { weight: 3, happen: networkDeleted },
  'network-segment': {
    weight: 5,
    happen: networkChanges('changes its segment', (scene, random, network) => ({
      ...network,
      segments: segmentsOf(scene, random),
    })),
  },
  'network-unbound': {
    weight: 2,
    happen: networkChanges('loses its binding', (_scene, _random, network) => ({ ...network, segments: [] })),
  },
  'network-unreadable': { weight: 3, happen: unreadable },
  'network-mtu': {
    weight: 2,
    happen: networkChanges('changes its MTU', (_scene, random, network) => ({
      ...network,
      mtu: random.pick([null, 1450, 1500, 1400]),
    })),
  },
};
