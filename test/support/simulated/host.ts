import {
  type Address,
  FILTERED_GROUP,
  type ForwardingEntry,
  type HostState,
  type IfIndex,
  type Ipv4Settings,
  type Ipv6Settings,
  ifIndex,
  type Link,
  type LinkName,
  type Route,
  type TapFilter,
} from '../../../src/model/index.js';

/** What every new link starts with, as on a host that takes router advertisements. */
export const DEFAULT_IPV6: Ipv6Settings = { disabled: false, acceptRa: 1, autoconf: true, forwarding: false };
export const DEFAULT_IPV4: Ipv4Settings = { forwarding: false, rpFilter: 2, arpIgnore: 0 };
const MTU_DEFAULT = 1500;
/** Below it the kernel has no IPv6 on a link at all. */
const IPV6_MTU_MIN = 1280;

/** A simulated host is given the routes over a link, and a tunnel's entries, beside the link; the real kernel's links do not have them. */
export interface SimulatedLink extends Link {
  readonly routes: readonly Route[];
  readonly entries: readonly ForwardingEntry[];
}

export const routesOn = (link: Link): readonly Route[] => (link as Partial<SimulatedLink>).routes ?? [];

/** What is written in each tunnel among these. */
export const entriesOf = (links: Iterable<Link>): Map<IfIndex, readonly ForwardingEntry[]> =>
  new Map(
    [...links]
      .filter(({ detail }) => detail.kind === 'vxlan')
      .map((link) => [link.index, (link as Partial<SimulatedLink>).entries ?? []]),
  );

/** The links of a state, for another host that is to be like it. */
export const linksIn = ({ links, forwarding }: HostState): SimulatedLink[] =>
  [...links.values()].map((link) => ({
    ...link,
    routes: routesOn(link),
    entries: forwarding.get(link.index) ?? [],
  }));

/** The kernel says no. */
export class SimulatedRefusal extends Error {
  constructor(readonly errno: string) {
    super(errno);
  }
}

/** The links of a simulated host, and the changes that have consequences for other links. */
export interface SimulatedHost {
  readonly hasVlanFiltering: boolean;
  readonly hasVlans: boolean;
  /** What nftables has of the agent's. */
  tapFilter: TapFilter;
  /** The forwarding entries of its tunnels. */
  readonly entries: Map<IfIndex, readonly ForwardingEntry[]>;
  /** Links made by the operations of one `apply`, by name. */
  readonly made: Map<LinkName, IfIndex>;
  all(): Link[];
  get(index: IfIndex): Link | undefined;
  named(name: string): Link | undefined;
  members(bridge: IfIndex): Link[];
  /** Adds a link under the next free index. Throws EEXIST when the name is taken. */
  add(link: Omit<Link, 'index'>): Link;
  put(link: Link | SimulatedLink): void;
  /** Takes VLAN devices along, and frees the ports of a bridge. */
  remove(index: IfIndex): void;
  enslave(index: IfIndex, bridge: IfIndex | null): void;
  setUp(index: IfIndex, up: boolean): void;
  setMtu(index: IfIndex, mtu: number): void;
  setIpv6(index: IfIndex, wanted: Partial<Ipv6Settings>): void;
}

/** What there is: the links, and the bridges that were given an MTU of their own. */
interface Store {
  readonly links: Map<IfIndex, Link>;
  readonly pinnedMtu: Set<IfIndex>;
}

export function makeSimulatedHost(
  links: Iterable<Link>,
  options: { readonly vlanFiltering?: boolean; readonly vlans?: boolean; readonly tapFilter?: boolean },
): SimulatedHost {
  const store: Store = { links: new Map([...links].map((link) => [link.index, link])), pinnedMtu: new Set() };
  let next = Math.max(0, ...store.links.keys()) + 1;
  const named = (name: string) => [...store.links.values()].find((link) => link.name === name);
  const add = (link: Omit<Link, 'index'>): Link => {
    if (named(link.name) !== undefined) throw new SimulatedRefusal('EEXIST');
    const whole: Link = { ...link, index: ifIndex(next) };
    next += 1;
    store.links.set(whole.index, whole);
    return whole;
  };
  return {
    hasVlanFiltering: options.vlanFiltering ?? true,
    hasVlans: options.vlans ?? true,
    tapFilter: options.tapFilter === false ? { kind: 'unsupported' } : filterFor(store.links.values()),
    entries: entriesOf(store.links.values()),
    made: new Map(),
    all: () => [...store.links.values()],
    get: (index) => store.links.get(index),
    named,
    members: (bridge) => membersOf(store, bridge),
    add,
    put: (link) => void store.links.set(link.index, link),
    remove: (index) => remove(store, index),
    enslave: (index, bridge) => enslave(store, index, bridge),
    setUp: (index, up) => setUp(store, index, up),
    setMtu: (index, mtu) => setMtu(store, index, mtu),
    setIpv6: (index, wanted) => setIpv6(store, index, wanted),
  };
}

/** As the agent leaves it: with its bridges, and only with them. */
const filterFor = (links: Iterable<Link>): TapFilter =>
  [...links].some(({ group, detail }) => group === FILTERED_GROUP && detail.kind === 'bridge')
    ? { kind: 'present', drops: { tagged: true, switchFrames: true } }
    : { kind: 'absent' };

const membersOf = ({ links }: Store, bridge: IfIndex): Link[] =>
  [...links.values()].filter(({ master }) => master === bridge);

const vlansOn = ({ links }: Store, parent: IfIndex): Link[] =>
  [...links.values()].filter(({ detail }) => detail.kind === 'vlan' && detail.parent === parent);

function present({ links }: Store, index: IfIndex): Link {
  const link = links.get(index);
  if (link === undefined) throw new SimulatedRefusal('ENODEV');
  return link;
}

const put = ({ links }: Store, link: Link): void => void links.set(link.index, link);

/** A bridge without an MTU of its own takes the lowest of its ports'. */
function followPorts(store: Store, bridge: IfIndex | null): void {
  const link = bridge === null ? undefined : store.links.get(bridge);
  if (link === undefined || link.detail.kind !== 'bridge' || store.pinnedMtu.has(link.index)) return;
  const mtus = membersOf(store, link.index).map(({ mtu }) => mtu);
  put(store, { ...link, mtu: mtus.length === 0 ? MTU_DEFAULT : Math.min(...mtus) });
}

function setIpv6(store: Store, index: IfIndex, wanted: Partial<Ipv6Settings>): void {
  const link = present(store, index);
  if (link.ipv6 === null) throw new SimulatedRefusal('ENOENT');
  const ipv6 = { ...link.ipv6, ...wanted };
  const addresses = ipv6.disabled ? link.addresses.filter(({ family }) => family === 'inet') : link.addresses;
  put(store, withLinkLocal({ ...link, ipv6, addresses }));
}

function setUp(store: Store, index: IfIndex, up: boolean): void {
  const link = present(store, index);
  const { detail } = link;
  if (up && detail.kind === 'vlan' && !present(store, detail.parent).up)
    throw new SimulatedRefusal('ENETDOWN');
  put(store, withLinkLocal({ ...link, up }));
  if (!up) for (const vlan of vlansOn(store, index)) setUp(store, vlan.index, false);
}

function setMtu(store: Store, index: IfIndex, mtu: number): void {
  const link = present(store, index);
  if (mtu < 68 || mtu > 65_535) throw new SimulatedRefusal('EINVAL');
  if (link.detail.kind === 'vlan' && mtu > present(store, link.detail.parent).mtu) {
    throw new SimulatedRefusal('ERANGE');
  }
  const ipv6 = mtu < IPV6_MTU_MIN ? null : (link.ipv6 ?? DEFAULT_IPV6);
  put(store, withLinkLocal({ ...link, mtu, ipv6 }));
  if (link.detail.kind === 'bridge') store.pinnedMtu.add(index);
  followPorts(store, link.master);
  for (const vlan of vlansOn(store, index)) if (vlan.mtu > mtu) setMtu(store, vlan.index, mtu);
}

function enslave(store: Store, index: IfIndex, bridge: IfIndex | null): void {
  const link = present(store, index);
  put(store, { ...link, master: bridge });
  followPorts(store, link.master);
  followPorts(store, bridge);
}

function remove(store: Store, index: IfIndex): void {
  const link = present(store, index);
  for (const vlan of vlansOn(store, index)) remove(store, vlan.index);
  for (const port of membersOf(store, index)) put(store, { ...port, master: null });
  store.links.delete(index);
  followPorts(store, link.master);
}

/** A link that is up and speaks IPv6 has a link-local address, and only such a link has. */
function withLinkLocal(link: Link): Link {
  const others = link.addresses.filter((address) => !isLinkLocal(address));
  const speaks = link.up && link.ipv6 !== null && !link.ipv6.disabled;
  if (!speaks) return { ...link, addresses: others };
  if (others.length < link.addresses.length) return link;
  const address = `fe80::${link.mac.replaceAll(':', '').slice(4) || '1'}`;
  const own: Address = {
    family: 'inet6',
    address,
    prefixLength: 64,
    scope: 253,
    leased: false,
    raw: address,
  };
  return { ...link, addresses: [...others, own] };
}

export const isLinkLocal = ({ family, scope }: Address): boolean => family === 'inet6' && scope === 253;
