import {
  type Address,
  type IfIndex,
  type Ipv6Settings,
  ifIndex,
  type Link,
  type LinkName,
} from '../../src/model/index.js';

/** What every new link starts with, as on a host that takes router advertisements. */
export const DEFAULT_IPV6: Ipv6Settings = { disabled: false, acceptRa: 1, autoconf: true, forwarding: false };
const MTU_DEFAULT = 1500;
/** Below it the kernel has no IPv6 on a link at all. */
const IPV6_MTU_MIN = 1280;

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
  /** Links made by the operations of one `apply`, by name. */
  readonly made: Map<LinkName, IfIndex>;
  all(): Link[];
  get(index: IfIndex): Link | undefined;
  named(name: string): Link | undefined;
  members(bridge: IfIndex): Link[];
  /** Adds a link under the next free index. Throws EEXIST when the name is taken. */
  add(link: Omit<Link, 'index'>): Link;
  put(link: Link): void;
  /** Takes VLAN devices along, and frees the ports of a bridge. */
  remove(index: IfIndex): void;
  enslave(index: IfIndex, bridge: IfIndex | null): void;
  setUp(index: IfIndex, up: boolean): void;
  setMtu(index: IfIndex, mtu: number): void;
  setIpv6(index: IfIndex, wanted: Partial<Ipv6Settings>): void;
}

export function makeSimulatedHost(
  links: Iterable<Link>,
  options: { readonly vlanFiltering?: boolean; readonly vlans?: boolean },
): SimulatedHost {
  const known = new Map<IfIndex, Link>([...links].map((link) => [link.index, link]));
  const pinnedMtu = new Set<IfIndex>();
  let next = Math.max(0, ...known.keys()) + 1;

  const get = (index: IfIndex) => known.get(index);
  const put = (link: Link) => void known.set(link.index, link);
  const named = (name: string) => [...known.values()].find((link) => link.name === name);
  const members = (bridge: IfIndex) => [...known.values()].filter(({ master }) => master === bridge);
  const vlansOn = (parent: IfIndex) =>
    [...known.values()].filter(({ detail }) => detail.kind === 'vlan' && detail.parent === parent);
  const present = (index: IfIndex): Link => {
    const link = known.get(index);
    if (link === undefined) throw new SimulatedRefusal('ENODEV');
    return link;
  };

  /** A bridge without an MTU of its own takes the lowest of its ports'. */
  const followPorts = (bridge: IfIndex | null) => {
    const link = bridge === null ? undefined : known.get(bridge);
    if (link === undefined || link.detail.kind !== 'bridge' || pinnedMtu.has(link.index)) return;
    const mtu = Math.min(...members(link.index).map((port) => port.mtu), MTU_DEFAULT);
    put({ ...link, mtu: members(link.index).length === 0 ? MTU_DEFAULT : mtu });
  };
  const setIpv6 = (index: IfIndex, wanted: Partial<Ipv6Settings>) => {
    const link = present(index);
    if (link.ipv6 === null) throw new SimulatedRefusal('ENOENT');
    const ipv6 = { ...link.ipv6, ...wanted };
    const addresses = ipv6.disabled
      ? link.addresses.filter(({ family }) => family === 'inet')
      : link.addresses;
    put(withLinkLocal({ ...link, ipv6, addresses }));
  };
  const setUp = (index: IfIndex, up: boolean) => {
    const link = present(index);
    const { detail } = link;
    if (up && detail.kind === 'vlan' && !present(detail.parent).up) throw new SimulatedRefusal('ENETDOWN');
    put(withLinkLocal({ ...link, up }));
    if (!up) for (const vlan of vlansOn(index)) setUp(vlan.index, false);
  };
  const setMtu = (index: IfIndex, mtu: number) => {
    const link = present(index);
    if (mtu < 68 || mtu > 65_535) throw new SimulatedRefusal('EINVAL');
    if (link.detail.kind === 'vlan' && mtu > present(link.detail.parent).mtu)
      throw new SimulatedRefusal('ERANGE');
    const ipv6 = mtu < IPV6_MTU_MIN ? null : (link.ipv6 ?? DEFAULT_IPV6);
    put(withLinkLocal({ ...link, mtu, ipv6 }));
    if (link.detail.kind === 'bridge') pinnedMtu.add(index);
    followPorts(link.master);
    for (const vlan of vlansOn(index)) if (vlan.mtu > mtu) setMtu(vlan.index, mtu);
  };
  const enslave = (index: IfIndex, bridge: IfIndex | null) => {
    const link = present(index);
    put({ ...link, master: bridge });
    followPorts(link.master);
    followPorts(bridge);
  };
  const remove = (index: IfIndex) => {
    const link = present(index);
    for (const vlan of vlansOn(index)) remove(vlan.index);
    for (const port of members(index)) put({ ...port, master: null });
    known.delete(index);
    followPorts(link.master);
  };
  const add = (link: Omit<Link, 'index'>): Link => {
    if (named(link.name) !== undefined) throw new SimulatedRefusal('EEXIST');
    const whole: Link = { ...link, index: ifIndex(next) };
    next += 1;
    put(whole);
    return whole;
  };
  return {
    hasVlanFiltering: options.vlanFiltering ?? true,
    hasVlans: options.vlans ?? true,
    made: new Map(),
    all: () => [...known.values()],
    get,
    named,
    members,
    add,
    put,
    remove,
    enslave,
    setUp,
    setMtu,
    setIpv6,
  };
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
