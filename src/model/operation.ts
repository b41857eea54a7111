import { entriesInWords, type ForwardingEntry, type TunnelMaking, tunnelInWords } from './forwarding.js';
import type { IfIndex, LinkName, NetworkId, PortId } from './ids.js';
import type { Address, FrameDrops, Ipv4Settings, Ipv6Settings, Route } from './link.js';
import { FILTERED_GROUP } from './names.js';
import { inNftWords } from './tap-filter.js';

/** A device an operation works on: one that is there, or one that an earlier operation of the plan makes. */
export type LinkRef =
  | { readonly name: LinkName; readonly index: IfIndex }
  | { readonly name: LinkName; readonly index: null };

/** One that is there. */
export const present = ({ name, index }: { readonly name: LinkName; readonly index: IfIndex }): LinkRef => ({
  name,
  index,
});

/** What every operation says about itself. */
interface Common {
  /** The device's name, as `plan --json` shows it. */
  readonly device: LinkName;
  /** Why, in one clause an operator understands. */
  readonly reason: string;
  readonly network: NetworkId | null;
  readonly port?: PortId;
  /**
   * What a failure stops: `network`, every later operation of that network in this plan (a bridge or its
   * uplink is not right); `device`, only later operations on the same device (one tap).
   */
  readonly scope: 'network' | 'device';
}

interface OnLink {
  readonly target: LinkRef;
}

/** What the operations of each kind say besides. */
interface Fields {
  'create-bridge': { readonly mac: string; readonly vlanFiltering: boolean };
  'create-subinterface': { readonly parent: LinkRef; readonly vlanId: number };
  'set-label': OnLink & { readonly label: string };
  'disable-ipv6': OnLink;
  /** A flat bridge: takes over what its uplink has, so that addresses that move there keep working. */
  'set-ipv6': OnLink & { readonly settings: Ipv6Settings };
  /** What the host takes from a bridge: nothing, or what it took from the uplink in whose place the bridge is. */
  'set-ipv4': OnLink & { readonly settings: Ipv4Settings };
  'set-group': OnLink & { readonly group: number };
  /** The agent's nftables table: made anew, or taken away where nothing is to be dropped. */
  'set-tap-filter': { readonly drops: FrameDrops };
  'set-mac': OnLink & { readonly mac: string };
  'set-mtu': OnLink & { readonly mtu: number };
  /** STP off and forward delay 0, so that a tap forwards at once. */
  'set-bridge-options': OnLink;
  'set-up': OnLink;
  /** `group`: the device group that the kernel gives the link in the same moment; without one it keeps its own. */
  attach: OnLink & { readonly bridge: LinkRef; readonly group?: number };
  /** `bridge` is the one it leaves. The agent's device group it loses with it. */
  detach: OnLink & { readonly bridge: LinkRef };
  /**
   * Addresses and routes go from one link to another, and `from` or `to` joins or leaves the bridge in the
   * same netlink exchange. `join`: `from` becomes a port of `to`. `leave`: `to` stops being a port of
   * `from`. `none`: the uplink is already enslaved, only stray addresses move. What is moved is what is there when
   * it is done; `addresses` and `routes` are for people (the planner leaves the routes to who carries it out).
   */
  'move-addresses': {
    readonly from: LinkRef;
    readonly to: LinkRef;
    readonly membership: 'join' | 'leave' | 'none';
    readonly addresses: readonly Address[];
    readonly routes: readonly Route[];
  };
  'delete-bridge': OnLink;
  'delete-subinterface': OnLink;
  'create-vxlan': { readonly making: TunnelMaking };
  /** Without a moment in which the tunnel is away. */
  'set-vxlan': OnLink & { readonly learning: boolean; readonly local: string };
  /** What is added is there before anything is removed. */
  'set-forwarding': OnLink & {
    readonly add: readonly ForwardingEntry[];
    readonly remove: readonly ForwardingEntry[];
  };
  'delete-vxlan': OnLink;
}

export type OperationKind = keyof Fields;
/** The operation of one kind, with its own fields. */
export type OperationOf<Kind extends OperationKind> = {
  [Name in Kind]: Common & { readonly op: Name } & Fields[Name];
}[Kind];
export type Operation = OperationOf<OperationKind>;

/** Whether something comes, goes or changes, and what takes it back; a change is taken back by another of its kind. */
type Direction = { readonly sign: '+' | '-'; readonly opposite: OperationKind } | { readonly sign: '~' };

/** What is to be known of a kind of operation. How it is carried out is known to the kernel's room alone. */
type KindOfOperation<Kind extends OperationKind> = Direction & {
  /** What was done, and what could not be: the device's name goes behind it. */
  readonly words: readonly [done: string, wanted: string];
  /** The commands that an operator would type for the operation, to be read. */
  readonly commands: (operation: OperationOf<Kind>) => string[];
};

/** Every kind there is. A new one has its fields above and its record here; the kernel's table of how (`kernel/apply.ts`) asks for it. */
export const OPERATIONS: { readonly [Kind in OperationKind]: KindOfOperation<Kind> } = {
  'create-bridge': {
    sign: '+',
    words: ['made bridge', 'make bridge'],
    opposite: 'delete-bridge',
    commands: ({ device, mac, vlanFiltering }) => [
      `ip link add ${device} address ${mac} group ${FILTERED_GROUP} type bridge stp_state 0 forward_delay 0${vlanFiltering ? ' vlan_filtering 1' : ''}`,
    ],
  },
  'create-subinterface': {
    sign: '+',
    words: ['made VLAN subinterface', 'make VLAN subinterface'],
    opposite: 'delete-subinterface',
    commands: ({ device, parent, vlanId }) => [
      `ip link add link ${parent.name} name ${device} type vlan id ${vlanId}`,
    ],
  },
  'set-label': {
    sign: '~',
    words: ['labelled', 'label'],
    commands: ({ device, label }) => [`ip link set ${device} alias ${label}`],
  },
  'disable-ipv6': {
    sign: '~',
    words: ['switched IPv6 off on', 'switch IPv6 off on'],
    commands: ({ device }) => sysctls('ipv6', device, { disable_ipv6: true }),
  },
  'set-ipv6': {
    sign: '~',
    words: ['set the IPv6 options of', 'set the IPv6 options of'],
    commands: ({ device, settings: { disabled, acceptRa, autoconf, forwarding } }) =>
      sysctls('ipv6', device, { accept_ra: acceptRa, autoconf, forwarding, disable_ipv6: disabled }),
  },
  'set-ipv4': {
    sign: '~',
    words: ['set the IPv4 options of', 'set the IPv4 options of'],
    commands: ({ device, settings: { forwarding, rpFilter, arpIgnore } }) =>
      sysctls('ipv4', device, { forwarding, rp_filter: rpFilter, arp_ignore: arpIgnore }),
  },
  'set-group': {
    sign: '~',
    words: ['set the device group of', 'set the device group of'],
    commands: ({ device, group }) => [`ip link set ${device} group ${group}`],
  },
  'set-tap-filter': {
    sign: '~',
    words: ['wrote nftables table', 'write nftables table'],
    commands: ({ drops }) => inNftWords(drops),
  },
  'set-mac': {
    sign: '~',
    words: ['set the MAC address of', 'set the MAC address of'],
    commands: ({ device, mac }) => [`ip link set ${device} address ${mac}`],
  },
  'set-mtu': {
    sign: '~',
    words: ['set the MTU of', 'set the MTU of'],
    commands: ({ device, mtu }) => [`ip link set ${device} mtu ${mtu}`],
  },
  'set-bridge-options': {
    sign: '~',
    words: ['set STP and forward delay of', 'set STP and forward delay of'],
    commands: ({ device }) => [`ip link set ${device} type bridge stp_state 0 forward_delay 0`],
  },
  'set-up': {
    sign: '~',
    words: ['brought up', 'bring up'],
    commands: ({ device }) => [`ip link set ${device} up`],
  },
  attach: {
    sign: '+',
    words: ['attached', 'attach'],
    opposite: 'detach',
    commands: ({ device, bridge, group }) => [
      `ip link set ${device} master ${bridge.name}${group === undefined ? '' : ` group ${group}`}`,
    ],
  },
  detach: {
    sign: '-',
    words: ['detached', 'detach'],
    opposite: 'attach',
    commands: ({ device }) => [`ip link set ${device} nomaster`],
  },
  'move-addresses': {
    sign: '~',
    words: ['moved the addresses of', 'move the addresses of'],
    commands: moveInWords,
  },
  'delete-bridge': {
    sign: '-',
    words: ['deleted bridge', 'delete bridge'],
    opposite: 'create-bridge',
    commands: ({ device }) => [`ip link delete ${device}`],
  },
  'delete-subinterface': {
    sign: '-',
    words: ['deleted VLAN subinterface', 'delete VLAN subinterface'],
    opposite: 'create-subinterface',
    commands: ({ device }) => [`ip link delete ${device}`],
  },
  'create-vxlan': {
    sign: '+',
    words: ['made tunnel', 'make tunnel'],
    opposite: 'delete-vxlan',
    commands: ({ device, making }) => [tunnelInWords(device, making)],
  },
  'set-vxlan': {
    sign: '~',
    words: ['set the options of tunnel', 'set the options of tunnel'],
    commands: ({ device, learning, local }) => [
      `ip link set ${device} type vxlan local ${local} ${learning ? 'learning' : 'nolearning'}`,
    ],
  },
  'set-forwarding': {
    sign: '~',
    words: ['wrote the forwarding entries of', 'write the forwarding entries of'],
    commands: ({ device, add, remove }) => entriesInWords(device, add, remove),
  },
  'delete-vxlan': {
    sign: '-',
    words: ['deleted tunnel', 'delete tunnel'],
    opposite: 'create-vxlan',
    commands: ({ device }) => [`ip link delete ${device}`],
  },
};

export const OPERATION_KINDS = Object.keys(OPERATIONS) as readonly OperationKind[];

/** An operation as commands of iproute2 and nft, for `plan`. The agent itself speaks netlink and starts no process. */
export const commandsOf = <Kind extends OperationKind>(operation: OperationOf<Kind>): string[] =>
  OPERATIONS[operation.op].commands(operation);

const sysctls = (
  family: 'ipv4' | 'ipv6',
  device: string,
  values: Readonly<Record<string, number | boolean>>,
): string[] =>
  Object.entries(values).map(
    ([key, value]) => `echo ${Number(value)} > /proc/sys/net/${family}/conf/${device}/${key}`,
  );

const ROUTE_PROTOCOL_KERNEL = 2;
const TABLE_LOCAL = 255;

/** Routes that the kernel makes by itself, with an address, are not typed. */
const isTyped = ({ protocol, table }: Route): boolean =>
  protocol !== ROUTE_PROTOCOL_KERNEL && table !== TABLE_LOCAL;

function moveInWords({ from, to, membership, addresses, routes }: OperationOf<'move-addresses'>): string[] {
  const family = (one: { family: string }): string => (one.family === 'inet6' ? 'ip -6' : 'ip');
  const texts = addresses.map((one) => ({ ip: family(one), text: `${one.address}/${one.prefixLength}` }));
  return [
    ...texts.map(({ ip, text }) => `${ip} address add ${text} dev ${to.name}${ip === 'ip' ? '' : ' nodad'}`),
    ...routes
      .filter(isTyped)
      .map(
        (one) =>
          `${family(one)} route append ${one.destination}${one.gateway === null ? '' : ` via ${one.gateway}`} dev ${to.name} table ${one.table} metric ${one.metric}`,
      ),
    ...(membership === 'join' ? [`ip link set ${from.name} master ${to.name}`] : []),
    ...(membership === 'leave' ? [`ip link set ${to.name} nomaster`] : []),
    ...texts.map(({ ip, text }) => `${ip} address del ${text} dev ${from.name}`),
  ];
}
