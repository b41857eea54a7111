import type { IfIndex, Link, NetworkId, PortId, Settings } from '../../src/model/index.js';
import { buildLinks, buildSettings, type LinkWords, TEST_HOST } from '../support/simulated/host-builder.js';
import { buildNetwork, buildPort, type SegmentWords } from '../support/simulated/row-builder.js';
import { GENERATIONS, type Generation } from './cloud.js';
import type { Random } from './random.js';

/** What one seed makes of the host and of the settings, before anything happens. */
export interface Stage {
  readonly generation: Generation;
  readonly settings: Settings;
  readonly links: readonly Link[];
  /** Devices that are nobody's business. */
  readonly foreign: ReadonlySet<IfIndex>;
}

export const INTERFACES = ['physnet1:eth1', 'physnet2:eth2'] as const;
export const MAPPED_BRIDGE = 'br-ex';

/** Ordinary polling, or so slow that removals are confirmed by five polls in ten minutes. */
const PACES = [2_000, 2_000, 2_000, 2_000, 2_000, 500, 5_000, 150_000] as const;

export function makeStage(random: Random): Stage {
  const pollingIntervalMs = random.pick(PACES) ?? 2_000;
  const links = buildLinks(linksOf(random));
  return {
    generation: random.pick(GENERATIONS) ?? 'grizzly',
    settings: {
      host: buildSettings({
        interfaces: INTERFACES,
        bridges: [`physext:${MAPPED_BRIDGE}`],
        flatAddressMove: random.chance(0.1) ? 'refuse' : 'move',
        dropTaggedFrames: random.chance(0.8),
      }),
      guard: {
        maxRemovals: random.pick([null, null, null, null, 0, 3]),
        windowMs: 600_000,
        release: random.chance(pollingIntervalMs > 60_000 ? 0.7 : 0.1) ? 'auto' : 'operator',
      },
      database: {
        servers: [SERVER],
        connectTimeoutMs: 5_000,
        queryTimeoutMs: 5_000,
        readOnly: false,
        tunnels: false,
        host: TEST_HOST,
      },
      firewallDriver: null,
      pollingIntervalMs,
      reconnectIntervalMs: 2_000,
      sqlMaxRetries: -1,
      knownPortRetentionMs: 3_600_000,
      lastKnownGoodMaxAgeMs: 86_400_000,
      stateDir: '/nowhere',
      runDir: '/nowhere',
      logLevel: 'info',
      logFormat: 'json',
      webListenAddress: null,
      webHostNames: [],
      controlGroup: null,
    },
    links,
    foreign: new Set(links.flatMap(({ name, index }) => (FOREIGN.includes(name) ? [index] : []))),
  };
}

const SERVER: Settings['database']['servers'][0] = {
  engine: 'postgresql',
  host: 'database',
  port: null,
  socketPath: null,
  user: 'quantum',
  password: () => null,
  database: 'quantum',
  tls: null,
  publicKeyFile: null,
};

const FOREIGN: readonly string[] = ['eth0', 'eth3', MAPPED_BRIDGE, 'virbr0', 'vnet7', 'eth1.999', 'tun0'];

function linksOf(random: Random): LinkWords[] {
  const addressed = random.chance(0.6);
  return [
    { name: 'eth0', addresses: ['192.168.1.5/24'], routes: ['default via 192.168.1.1'] },
    {
      name: 'eth1',
      up: random.chance(0.9),
      ...(addressed
        ? { addresses: ['10.1.0.5/24', '2001:db8::5/64'], routes: ['10.9.0.0/16 via 10.1.0.1'] }
        : {}),
    },
    { name: 'eth2' },
    { name: 'eth3', master: MAPPED_BRIDGE },
    { name: MAPPED_BRIDGE, addresses: ['172.16.0.5/24'] },
    { name: 'virbr0', kind: 'bridge', stp: true, forwardDelayMs: 2_000, addresses: ['192.168.122.1/24'] },
    { name: 'vnet7', kind: 'tap', master: 'virbr0' },
    { name: 'eth1.999', parent: 'eth1', vlan: 999, addresses: ['10.99.0.5/24'] },
    { name: 'tun0', kind: 'tap' },
  ];
}

const VLANS = [100, 101, 102, 103] as const;

/** Any segment a network may have; impossible ones are rare. */
export function anySegment(random: Random): SegmentWords {
  const physical = random.pick(['physnet1', 'physnet1', 'physnet2']);
  const vlan = `vlan ${physical} ${random.pick(VLANS)}`;
  const flat = `flat ${physical}`;
  const odd = random.pick(['vxlan', 'bad vlan_id is 4095', 'vlan physnet9 100', 'flat physnet9']) ?? 'local';
  return random.pick([vlan, vlan, vlan, vlan, flat, flat, 'local', 'flat physext', odd]) ?? 'local';
}

/** An id as Quantum makes them; `prefix` for one that shares its beginning with another. */
const newId = (random: Random, prefix: string | null): string =>
  `${prefix ?? `${random.hex(8)}-${random.hex(2)}`}${random.hex(2)}-4${random.hex(3)}-8${random.hex(3)}-${random.hex(12)}`;

export const newNetwork = (random: Random, segment: SegmentWords, prefix: string | null = null) =>
  buildNetwork({ id: newId(random, prefix), segments: [segment] });

export const newPort = (
  random: Random,
  network: NetworkId,
  generation: Generation,
  prefix: string | null = null,
) =>
  buildPort(
    { id: newId(random, prefix), network, compute: generation !== 'folsom' && random.chance(0.3) },
    generation,
  );

export const prefixOf = (id: NetworkId | PortId): string => id.slice(0, 11);
