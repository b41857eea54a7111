import {
  type Address,
  bridgeMac,
  FILTERED_GROUP,
  type ForwardingEntry,
  floodEntry,
  type HostSettings,
  type HostState,
  type IfIndex,
  type Ipv4Settings,
  type Ipv6Settings,
  ifIndex,
  isExactBridgeName,
  type Link,
  type LinkDetail,
  type LinkName,
  labelOf,
  linkName,
  networkId,
  physicalNetwork,
  type Route,
  type TunnelDetail,
  type TunnelSettings,
} from '../../../src/model/index.js';
import { DEFAULT_IPV4, DEFAULT_IPV6, entriesOf, type SimulatedLink } from './host.js';

/** A link as a test writes it down; whatever is left out is as on an ordinary host. */
export interface LinkWords {
  readonly name: string;
  /** Default: tap for `tap…` and `gw-…`, bridge for `brq…` and `br-…`, vlan when `vlan` is given, else physical. */
  readonly kind?: 'tap' | 'bridge' | 'vlan' | 'vxlan' | 'physical' | 'veth' | 'bond';
  readonly vni?: number;
  /** What else of a tunnel is not as this agent makes it. */
  readonly tunnel?: Partial<TunnelDetail>;
  /** Whom it floods to: `192.0.2.7`; or a MAC address before it. */
  readonly entries?: readonly string[];
  readonly index?: number;
  readonly master?: string;
  readonly up?: boolean;
  readonly mac?: string;
  readonly mtu?: number;
  readonly altNames?: readonly string[];
  /** The alias as it is. */
  readonly alias?: string;
  /** The agent's label for this network, and for a bridge the MAC address that the agent gives it. */
  readonly label?: string;
  /** `10.1.0.5/24`; a trailing ` leased` for one with a lifetime. */
  readonly addresses?: readonly string[];
  /** `default via 10.1.0.1`, `192.168.50.0/24 via 10.1.0.9`. */
  readonly routes?: readonly string[];
  readonly parent?: string;
  readonly vlan?: number;
  readonly stp?: boolean;
  readonly forwardDelayMs?: number;
  readonly vlanFiltering?: boolean | null;
  /** Default: disabled on bridges and on taps and VLAN devices in one, as the agent leaves them. */
  readonly ipv6?: 'enabled' | 'disabled' | 'absent';
}

export const TEST_HOST = 'node-1';
/** Where its tunnels end. */
export const LOCAL = '192.0.2.1';

/** Links for a simulated kernel. Names of masters and parents may come in any order. */
export function buildLinks(words: readonly LinkWords[]): SimulatedLink[] {
  const indexes = new Map(words.map(({ name, index }, at) => [name, ifIndex(index ?? 10 + at)]));
  const macs = new Map(words.map((one, at) => [one.name, one.mac ?? macOf(one, at)]));
  return words.map((one) => ({
    index: indexOf(indexes, one.name),
    name: linkName(one.name),
    up: one.up ?? true,
    mac: macs.get(one.parent !== undefined && one.mac === undefined ? one.parent : one.name) ?? '',
    mtu: one.mtu ?? 1500,
    master: one.master === undefined ? null : indexOf(indexes, one.master),
    altNames: one.altNames ?? [],
    alias: one.alias ?? (one.label === undefined ? '' : labelOf(networkId(one.label))),
    detail: detailOf(one, indexes),
    group: groupOf(one, words),
    ipv4: ipv4Of(one, words),
    ipv6: ipv6Of(one),
    addresses: (one.addresses ?? []).map(addressOf),
    routes: (one.routes ?? []).map(routeOf),
    entries: (one.entries ?? []).map(entryOf),
  }));
}

/** A host with these links, as the value that a kernel gives. */
export function buildHost(words: readonly LinkWords[]): HostState {
  const links = buildLinks(words);
  return {
    version: 1,
    tapFilter: { kind: 'absent' },
    forwarding: entriesOf(links),
    links: new Map(links.map((link) => [link.index, link])),
    byName: new Map<LinkName, Link>(links.map((link) => [link.name, link])),
    changes: null,
  };
}

function indexOf(indexes: ReadonlyMap<string, IfIndex>, name: string): IfIndex {
  const index = indexes.get(name);
  if (index === undefined) throw new RangeError(`the test names ${name} but does not describe it`);
  return index;
}

function macOf({ label, kind, name }: LinkWords, at: number): string {
  const isBridge = kindOf({ name, ...(kind === undefined ? {} : { kind }) }) === 'bridge';
  if (label !== undefined && isBridge) return bridgeMac(networkId(label), TEST_HOST);
  return `52:54:00:00:00:${(at + 1).toString(16).padStart(2, '0')}`;
}

function kindOf({ name, kind, vlan }: LinkWords): NonNullable<LinkWords['kind']> {
  if (kind !== undefined) return kind;
  if (vlan !== undefined) return 'vlan';
  if (name.startsWith('tap') || name.startsWith('gw-')) return 'tap';
  return name.startsWith('br') ? 'bridge' : 'physical';
}

const TYPES = { tap: 'tun', physical: '', veth: 'veth', bond: 'bond' } as const;

/** As Neutron's agents make a tunnel, but for its VNI. */
export const TUNNEL: Omit<TunnelDetail, 'vni'> = {
  port: 8472,
  local: LOCAL,
  group: null,
  underlay: null,
  learning: true,
  proxy: false,
};

function detailOf(words: LinkWords, indexes: ReadonlyMap<string, IfIndex>): LinkDetail {
  const kind = kindOf(words);
  if (kind === 'bridge') {
    const { stp = false, forwardDelayMs = 0, vlanFiltering = true } = words;
    return { kind, stp, forwardDelayMs, vlanFiltering };
  }
  if (kind === 'vxlan') return { kind, ...TUNNEL, vni: words.vni ?? 0, ...words.tunnel };
  if (kind !== 'vlan') return { kind: 'other', type: TYPES[kind] };
  const parent = words.parent ?? words.name.split('.')[0] ?? '';
  return { kind, parent: indexOf(indexes, parent), vlanId: words.vlan ?? 0, protocol: '802.1Q' };
}

/** The bridges that the agent has made, and the taps in them, are in its device group. */
function groupOf(one: LinkWords, all: readonly LinkWords[]): number {
  const kind = kindOf(one);
  const bridge = kind === 'bridge' ? one : all.find(({ name }) => name === one.master);
  const isOne = (kind === 'bridge' || kind === 'tap') && bridge !== undefined;
  return isOne && (bridge.label !== undefined || isExactBridgeName(bridge.name)) ? FILTERED_GROUP : 0;
}

/** A bridge without addresses, its own or its flat uplink's, is apart, as the agent leaves it. */
function ipv4Of(words: LinkWords, all: readonly LinkWords[]): Ipv4Settings {
  const links = [words, ...all.filter(({ master, vlan }) => master === words.name && vlan === undefined)];
  const isHosts = links.some(({ addresses = [] }) => addresses.some((address) => !address.includes(':')));
  const isApart = kindOf(words) === 'bridge' && !isHosts;
  return isApart ? { forwarding: false, rpFilter: 1, arpIgnore: 8 } : DEFAULT_IPV4;
}

function ipv6Of(words: LinkWords): Ipv6Settings | null {
  if (words.ipv6 === 'absent') return null;
  const kind = kindOf(words);
  const isQuiet = kind === 'bridge' || (words.master !== undefined && (kind === 'tap' || kind === 'vlan'));
  return { ...DEFAULT_IPV6, disabled: words.ipv6 === undefined ? isQuiet : words.ipv6 === 'disabled' };
}

function addressOf(text: string): Address {
  const [cidr = '', lease] = text.split(' ');
  const [address = '', length = '24'] = cidr.split('/');
  const family = address.includes(':') ? 'inet6' : 'inet';
  const scope = address.startsWith('fe80') ? 253 : 0;
  return { family, address, prefixLength: Number(length), scope, leased: lease === 'leased', raw: cidr };
}

function routeOf(text: string): Route {
  const [destination = 'default', , gateway] = text.split(' ');
  const family = text.includes(':') ? 'inet6' : 'inet';
  return { family, destination, gateway: gateway ?? null, table: 254, metric: 0, protocol: 3, raw: text };
}

function entryOf(text: string): ForwardingEntry {
  const [endpoint = '', mac] = text.split(' ').reverse();
  return mac === undefined ? floodEntry(endpoint) : { ...floodEntry(endpoint), mac };
}

/** How a host takes part in tunnels that knows every other one by its address. */
export const UNICAST: TunnelSettings = {
  local: LOCAL,
  port: 8472,
  ttl: null,
  tos: null,
  sourcePorts: null,
  multicast: null,
};

/** The settings of a host, with mappings as the configuration file writes them: `physnet1:eth1`. */
export function buildSettings(words: {
  readonly host?: string;
  readonly interfaces?: readonly string[];
  readonly bridges?: readonly string[];
  readonly dropTaggedFrames?: boolean;
  readonly dropSwitchFrames?: boolean;
  readonly flatAddressMove?: 'move' | 'refuse';
  readonly plugGraceMs?: number;
  /** What is not said of them is as in `UNICAST`. */
  readonly tunnels?: Partial<TunnelSettings> | null;
}): HostSettings {
  return {
    host: words.host ?? TEST_HOST,
    physicalInterfaces: mappingsOf(words.interfaces ?? ['physnet1:eth1']),
    bridgeMappings: mappingsOf(words.bridges ?? []),
    dropTaggedFrames: words.dropTaggedFrames ?? true,
    dropSwitchFrames: words.dropSwitchFrames ?? words.dropTaggedFrames ?? true,
    flatAddressMove: words.flatAddressMove ?? 'move',
    plugGraceMs: words.plugGraceMs ?? 2000,
    tunnels: words.tunnels == null ? null : { ...UNICAST, ...words.tunnels },
  };
}

const mappingsOf = (texts: readonly string[]): HostSettings['physicalInterfaces'] =>
  new Map(
    texts.map((text) => {
      const [network = '', link = ''] = text.split(':');
      return [physicalNetwork(network), linkName(link)];
    }),
  );
