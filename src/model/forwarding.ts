import { type IfIndex, type LinkName, linkName, type NetworkId } from './ids.js';
import { ipBytes, ipText } from './ip-text.js';
import type { TunnelDetail } from './link.js';
import type { LinkRef } from './operation.js';

/** The MAC address of the entries by which broadcasts go, and frames to an address that is not learned: the flood list. */
export const FLOOD_MAC = '00:00:00:00:00:00';

/** One entry of a tunnel's forwarding database that somebody wrote. What the kernel has learned from frames is none. */
export interface ForwardingEntry {
  readonly mac: string;
  /** The other end's address, as `ip` prints it. */
  readonly endpoint: string;
  /** Where it differs from the device's own; no entry of this agent has any of these. */
  readonly port: number | null;
  readonly vni: number | null;
  readonly via: IfIndex | null;
}

export const floodEntry = (endpoint: string): ForwardingEntry => ({
  mac: FLOOD_MAC,
  endpoint,
  port: null,
  vni: null,
  via: null,
});

/** Whether broadcasts go by the entry. */
export const isFloodEntry = ({ mac }: ForwardingEntry): boolean => mac === FLOOD_MAC;

/** Whether the entry leads to an end by nothing but its address, as all of this agent's do. */
export const isPlain = ({ port, vni, via }: ForwardingEntry): boolean =>
  port === null && vni === null && via === null;

/** Two entries of one key are one entry. */
export const entryKey = ({ mac, endpoint, port, vni, via }: ForwardingEntry): string =>
  `${mac} ${endpoint} ${port ?? ''} ${vni ?? ''} ${via ?? ''}`;

/** The entries of each tunnel device, in the order of their keys. */
export type Forwarding = ReadonlyMap<IfIndex, readonly ForwardingEntry[]>;

/** What a VXLAN device is made with. */
export interface TunnelMaking extends Pick<TunnelDetail, 'vni' | 'port'> {
  readonly local: string;
  /** null: the kernel's own. */
  readonly ttl: number | null;
  readonly tos: number | null;
  /** UDP source ports; null: the kernel's own. */
  readonly sourcePorts: { readonly min: number; readonly max: number } | null;
  /** Multicast: everything that is flooded goes to this group, over this link; null: to the flood list. */
  readonly multicast: { readonly group: string; readonly underlay: LinkRef } | null;
}

/** How many entries of a batch people are shown. */
const SHOWN_MAX = 3;

/** A tunnel that is made, as a command of iproute2. */
export function tunnelInWords(device: string, making: TunnelMaking): string {
  const { vni, local, port, ttl, tos, sourcePorts, multicast } = making;
  return [
    `ip link add ${device} type vxlan id ${vni}`,
    ...(multicast === null ? [] : [`group ${multicast.group} dev ${multicast.underlay.name}`]),
    `local ${local} dstport ${port} learning`,
    ...(sourcePorts === null ? [] : [`srcport ${sourcePorts.min} ${sourcePorts.max}`]),
    ...(ttl === null ? [] : [`ttl ${ttl}`]),
    ...(tos === null ? [] : [`tos ${tos}`]),
  ].join(' ');
}

/** A batch as commands of bridge: the first ones, and how many there are besides. */
export const entriesInWords = (
  device: string,
  add: readonly ForwardingEntry[],
  remove: readonly ForwardingEntry[],
): string[] => [...batchInWords('append', device, add), ...batchInWords('del', device, remove)];

function batchInWords(verb: 'append' | 'del', device: string, entries: readonly ForwardingEntry[]): string[] {
  const further = entries.length - SHOWN_MAX;
  return [
    ...entries
      .slice(0, SHOWN_MAX)
      .map(({ mac, endpoint }) => `bridge fdb ${verb} ${mac} dev ${device} dst ${endpoint} self`),
    ...(further > 0 ? [`# bridge fdb ${verb} … and ${further} more`] : []),
  ];
}

/** How this host takes part in tunnels, by its settings. */
export interface TunnelSettings {
  /** `local_ip`, as `ip` prints it; null: it is not set. */
  readonly local: string | null;
  readonly port: number;
  readonly ttl: number | null;
  readonly tos: number | null;
  readonly sourcePorts: TunnelMaking['sourcePorts'];
  /** Where there is no `l2_population`: the groups that everything is flooded to. null: to the flood list. */
  readonly multicast: MulticastGroups | null;
}

export interface MulticastGroups {
  /** Of the first range that holds a VNI, its group. */
  readonly ranges: readonly { readonly group: string; readonly min: number; readonly max: number }[];
  /** `vxlan_group`: one group, or as many as the prefix leaves room for. */
  readonly base: { readonly group: string; readonly prefixLength: number };
}

/** The group of a VNI: of several that `base` leaves, the one that the VNI's last bits number, as Neutron's agents have it. */
export function groupOf({ ranges, base }: MulticastGroups, vni: number): string {
  const range = ranges.find(({ min, max }) => vni >= min && vni <= max);
  if (range !== undefined) return range.group;
  const bytes = ipBytes(base.group);
  const hostBits = BigInt(8 * bytes.length - base.prefixLength);
  const start = (BigInt(`0x${bytes.toString('hex')}`) >> hostBits) << hostBits;
  const group = start + (BigInt(vni) & ((1n << hostBits) - 1n));
  return ipText(Buffer.from(group.toString(16).padStart(2 * bytes.length, '0'), 'hex'));
}

/** What of other hosts is asked about: the networks that this host serves through tunnels. */
export interface ForwardingQuestion {
  readonly tunnels: readonly TunnelQuestion[];
  /** VNIs of tunnels that are here and whose network is gone or held: whose are they now? */
  readonly vnis: readonly number[];
}

export interface TunnelQuestion {
  /** The id of the network's segment of type vxlan. */
  readonly segment: string;
  readonly network: NetworkId;
  readonly vni: number;
}

/** Where the tunnels of a host end, or why nobody knows. */
export type Endpoint =
  /** As `ip` prints it. */
  | { readonly kind: 'address'; readonly address: string }
  /** In one clause. */
  | { readonly kind: 'unknown'; readonly problem: string };

/** What the database says of other hosts. Equal rows give the same object. */
export interface ForwardingAnswer extends Pick<ForwardingQuestion, 'tunnels'> {
  /** By segment: every host that a port of it is bound to or arrives at, or whose standby router has one. This host is among them. */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  /** Of every host in `hosts`. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** The networks that have the VNIs asked about; none is no entry. */
  readonly vnis: ReadonlyMap<number, readonly NetworkId[]>;
}

/** `vxlan-<vni>`, as Neutron's agents call it. */
export const tunnelName = (vni: number): LinkName => linkName(`vxlan-${vni}`);
