import type {
  ForwardingAnswer,
  HostSettings,
  IfIndex,
  Link,
  LinkName,
  Network,
  NetworkId,
  Port,
  Segment,
  Warning,
} from '../../model/index.js';
import type { Bridge, View } from '../see/view.js';
import type { Choice } from './choose-segment.js';
import type { PortIndex } from './match.js';
import type { Realisation, Uplink } from './resolve-segment.js';

/** What the database has said, freshly or as it is remembered. */
export interface Knowledge {
  readonly ports: PortIndex;
  readonly networks: ReadonlyMap<NetworkId, Network>;
  /** Who is behind the tunnels; null: nothing is known of any. */
  readonly forwarding: ForwardingAnswer | null;
  /**
   * Set when this is an answer of the database: the links that were there before its snapshot began. Only
   * these may be removed. null: remembered rows, from which nothing is ever removed.
   */
  readonly presentBefore: ReadonlySet<IfIndex> | null;
  /** Taps whose row is there but cannot be used: not wired, and not taken out either. */
  readonly unusable: ReadonlySet<LinkName>;
  /** This generation names ports after whole devices (`gw-…`): Essex. */
  readonly hasGatewayDevices: boolean;
}

/** By what a network was last served here: the segment, and the link that leads to it, an uplink or a mapped bridge. */
export interface InPlace {
  readonly segment: Segment;
  readonly carrier: IfIndex;
}

export type InPlaces = ReadonlyMap<NetworkId, InPlace>;

/** Everything one reconciliation depends on. */
export interface World {
  readonly view: View;
  readonly knowledge: Knowledge;
  readonly settings: HostSettings;
  /** Taps in mapped bridges whose ports this agent has known. */
  readonly plugged: ReadonlySet<IfIndex>;
  /** By what each network was last served here. */
  readonly inPlace: InPlaces;
  /** When each tap without a master was first seen, in `nowMs`' clock; absent: just now. */
  readonly firstSeenMs: ReadonlyMap<IfIndex, number>;
  readonly nowMs: number;
}

/** Keys of the removals that may be part of the plan; around every other one it is decided as if that had to stay. */
export type Removals = ReadonlySet<string> | 'all';

export const NO_REMOVALS: Removals = new Set();

export const mayGo = (removals: Removals, key: string): boolean => removals === 'all' || removals.has(key);

/** What a tap's row asks for, before anything is known of how its network is reached. */
export type Assignment =
  | { readonly kind: 'network'; readonly tap: Link; readonly port: Port; readonly network: NetworkId }
  | {
      readonly kind: 'unwire';
      readonly tap: Link;
      readonly port: Port | null;
      readonly cause: Exclude<UnwireCause, 'network-changed'>;
      readonly warnings: readonly Warning[];
    }
  | {
      readonly kind: 'leave';
      readonly tap: Link;
      readonly port: Port | null;
      readonly warnings: readonly Warning[];
    }
  | { readonly kind: 'unknown'; readonly tap: Link };

/** The networks that taps ask for, each with the segments that its ports name. */
export type Asked = ReadonlyMap<NetworkId, readonly Segment[]>;

/** What the taps of one list of the view ask for. */
export interface AssignedTaps {
  readonly assignments: readonly Assignment[];
  readonly asked: Asked;
}

/** What is to become of one tap. */
export type TapDecision =
  | { readonly kind: 'wire'; readonly port: Port; readonly network: NetworkId }
  /** libvirt is expected to plug it itself until `untilMs`. */
  | { readonly kind: 'wait'; readonly port: Port; readonly network: NetworkId; readonly untilMs: number }
  /** Its network cannot be served here: not attached, and not detached from its own bridge. */
  | { readonly kind: 'blocked'; readonly port: Port; readonly warning: Warning }
  | {
      readonly kind: 'unwire';
      readonly port: Port | null;
      readonly cause: UnwireCause;
      readonly warnings: readonly Warning[];
    }
  /** Left exactly as it is. */
  | { readonly kind: 'leave'; readonly port: Port | null; readonly warnings: readonly Warning[] }
  /** Nothing is known of it: the database has to be asked. */
  | { readonly kind: 'unknown' };

/** Why a tap leaves its bridge, in words that follow its name. */
export const UNWIRE_REASONS: Readonly<Record<UnwireCause, string>> = {
  'admin-down': 'its port is admin down',
  'row-missing': 'no port of the database has this tap',
  'network-changed': 'its port is on another network now',
  'network-gone': 'the network of its port is gone',
};

export type UnwireCause = 'admin-down' | 'row-missing' | 'network-changed' | 'network-gone';

export interface DesiredTap {
  readonly tap: Link;
  readonly decision: TapDecision;
  /** What would take its wire, whether it may go ahead or not; null: nothing does. */
  readonly removal: Removal | null;
}

/** The taps of one bridge, or of none. */
export interface DesiredGroup {
  readonly assigned: AssignedTaps;
  readonly taps: readonly DesiredTap[];
  /** All but those about which nothing is to be done or said: mostly none. */
  readonly notable: readonly DesiredTap[];
}

/** Where the taps of a network go. */
export type Place =
  | { readonly kind: 'present'; readonly bridge: Bridge }
  | { readonly kind: 'missing'; readonly name: LinkName }
  | { readonly kind: 'joined'; readonly bridge: Link }
  | { readonly kind: 'blocked'; readonly warning: Warning };

/** A network that this host serves, or has a bridge of. */
export interface DesiredNetwork {
  readonly id: NetworkId;
  readonly mtu: number | null;
  /** What it is realised by; null: nothing says. */
  readonly segment: Choice | null;
  readonly place: Place;
  readonly realisation: Realisation;
  /** It cannot be realised, but what is in place is not to blame: taps in these bridges stay, with the status they have. */
  readonly staysIn: ReadonlySet<IfIndex>;
  /** Uplinks in its bridge now that are not of its segment; they leave when `mayLeave`. */
  readonly leaving: readonly Link[];
  readonly mayLeave: boolean;
  /** The uplink that taps may be attached behind; null: no tap may be attached. */
  readonly serves: Uplink | null;
}

/** A bridge of the agent that no network uses any more. */
export interface GoneBridge {
  readonly bridge: Bridge;
  readonly network: NetworkId | null;
  /** Its network exists, and its taps belong on a bridge of `bridge_mappings` now; else it has neither row nor binding. */
  readonly isLeftBehind: boolean;
  readonly uplinks: readonly Link[];
  /** Some tap in it goes to another network: the bridge can only be deleted after that. */
  readonly hasMovingTaps: boolean;
}

/** Something that traffic may depend on and that the plan takes away. */
export interface Removal {
  /** Stable from poll to poll. */
  readonly key: string;
  /** The taps that lose their wire. */
  readonly taps: readonly IfIndex[];
  /** The links that leave their bridge by it: once one has, it was carried out. */
  readonly leaves: readonly IfIndex[];
  readonly cause: UnwireCause | 'segment-changed' | 'host-gone' | 'tunnel-differs';
  readonly device: LinkName;
  readonly text: string;
}

/** What the host should look like, and what that was decided from. */
export interface Desired {
  readonly world: World;
  readonly allowed: Removals;
  readonly asked: Asked;
  readonly networks: ReadonlyMap<NetworkId, DesiredNetwork>;
  /** See `areIndependent`. */
  readonly isIndependent: boolean;
  /** As `View.taps` has them. */
  readonly groups: ReadonlyMap<IfIndex | null, DesiredGroup>;
  /** Of all groups, in the order of their indexes. */
  readonly notable: readonly DesiredTap[];
  readonly gone: readonly GoneBridge[];
  /** Labelled subinterfaces and tunnels that no network uses. */
  readonly orphans: readonly Link[];
  readonly removals: readonly Removal[];
  /** Why bridges stay that no network uses. */
  readonly refused: readonly Warning[];
}

export const allDesiredTaps = ({ groups }: Desired): DesiredTap[] =>
  [...groups.values()].flatMap(({ taps }) => taps);

/** The taps that no port is known of, by its row or from memory: those that the database may have to be asked about. */
export const tapsWithoutPort = ({ notable }: Desired): Link[] =>
  notable.flatMap(({ tap, decision }) =>
    decision.kind === 'unknown' || decision.port === null ? [tap] : [],
  );

/** Removals that rest on the absence of rows, which a half-restored or lagging server also shows. */
export const restsOnMissingRows = (removal: Removal): boolean =>
  removal.cause === 'row-missing' || removal.cause === 'network-gone' || removal.cause === 'host-gone';
