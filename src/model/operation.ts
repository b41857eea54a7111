import type { IfIndex, LinkName, NetworkId, PortId } from './ids.js';
import type { Address, FrameDrops, Ipv4Settings, Ipv6Settings, Route } from './link.js';

/** A device an operation works on: one that is there, or one that an earlier operation of the plan makes. */
export type LinkRef =
  | { readonly name: LinkName; readonly index: IfIndex }
  | { readonly name: LinkName; readonly index: null };

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

export type Operation = Common &
  (
    | { readonly op: 'create-bridge'; readonly mac: string; readonly vlanFiltering: boolean }
    | {
        readonly op: 'create-subinterface';
        readonly parent: LinkRef;
        readonly vlanId: number;
      }
    | { readonly op: 'set-label'; readonly target: LinkRef; readonly label: string }
    | { readonly op: 'disable-ipv6'; readonly target: LinkRef }
    | { readonly op: 'set-group'; readonly target: LinkRef; readonly group: number }
    /** The agent's nftables table: made anew, or taken away where nothing is to be dropped. */
    | { readonly op: 'set-tap-filter'; readonly drops: FrameDrops }
    /** A flat bridge: takes over what its uplink has, so that addresses that move there keep working. */
    | { readonly op: 'set-ipv6'; readonly target: LinkRef; readonly settings: Ipv6Settings }
    /** What the host takes from a bridge: nothing, or what it took from the uplink in whose place the bridge is. */
    | { readonly op: 'set-ipv4'; readonly target: LinkRef; readonly settings: Ipv4Settings }
    | { readonly op: 'set-mac'; readonly target: LinkRef; readonly mac: string }
    | { readonly op: 'set-mtu'; readonly target: LinkRef; readonly mtu: number }
    /** STP off and forward delay 0, so that a tap forwards at once. */
    | { readonly op: 'set-bridge-options'; readonly target: LinkRef }
    | { readonly op: 'set-up'; readonly target: LinkRef }
    /** `group`: the device group that the kernel gives the link in the same moment; without one it keeps its own. */
    | {
        readonly op: 'attach';
        readonly target: LinkRef;
        readonly bridge: LinkRef;
        readonly group?: number;
      }
    /** `bridge` is the one it leaves. The agent's device group it loses with it. */
    | { readonly op: 'detach'; readonly target: LinkRef; readonly bridge: LinkRef }
    /**
     * Addresses and routes go from one link to another, and `from` or `to` joins or leaves the bridge in the
     * same netlink exchange. `join`: `from` becomes a port of `to`. `leave`: `to` stops being a port of
     * `from`. `none`: the uplink is already enslaved, only stray addresses move. What is moved is what is there when
     * it is done; `addresses` and `routes` are for people (the planner leaves the routes to who carries it out).
     */
    | {
        readonly op: 'move-addresses';
        readonly from: LinkRef;
        readonly to: LinkRef;
        readonly membership: 'join' | 'leave' | 'none';
        readonly addresses: readonly Address[];
        readonly routes: readonly Route[];
      }
    | { readonly op: 'delete-bridge'; readonly target: LinkRef }
    | { readonly op: 'delete-subinterface'; readonly target: LinkRef }
  );

export type OperationKind = Operation['op'];

const EVERY_KIND: Readonly<Record<OperationKind, true>> = {
  'create-bridge': true,
  'create-subinterface': true,
  'set-label': true,
  'disable-ipv6': true,
  'set-ipv6': true,
  'set-ipv4': true,
  'set-group': true,
  'set-tap-filter': true,
  'set-mac': true,
  'set-mtu': true,
  'set-bridge-options': true,
  'set-up': true,
  attach: true,
  detach: true,
  'move-addresses': true,
  'delete-bridge': true,
  'delete-subinterface': true,
};
/** Every kind there is; the compiler sees to it that none is missing. */
export const OPERATION_KINDS = Object.keys(EVERY_KIND) as readonly OperationKind[];
/** The operation of one kind, with its own fields. */
export type OperationOf<Kind extends OperationKind> = Extract<Operation, { op: Kind }>;
