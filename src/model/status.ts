import type { LinkName, NetworkId, PhysicalNetwork, PortId } from './ids.js';
import type { Operation } from './operation.js';
import type { HeldRemoval } from './report.js';
import type { Warning } from './warning.js';

/**
 * How the running agent sees the host: one value for `status`, `explain`, `check`, metrics and the status page.
 * All times `…AtMs` are milliseconds since the epoch. Plain JSON.
 */
export interface AgentStatus {
  readonly host: string;
  readonly version: string;
  readonly startedAtMs: number;
  readonly nowMs: number;
  /** How far the loop is behind its own schedule; 0 while it turns as it should. */
  readonly lateMs: number;
  /** null until the database has answered once. */
  readonly generation: string | null;
  readonly database: DatabaseStatus;
  readonly lastPass: PassSummary | null;
  readonly networks: readonly NetworkStatus[];
  readonly forwarding: ForwardingStatus;
  readonly taps: readonly TapStatus[];
  readonly held: readonly HeldRemoval[];
  readonly warnings: readonly Warning[];
  /** The newest first, at most 100: passes that changed something or failed, and the last one. */
  readonly passes: readonly PassSummary[];
  /** The newest first, at most 200. */
  readonly changes: readonly Change[];
}

export interface DatabaseStatus {
  readonly state: 'up' | 'down' | 'not-asked-yet';
  readonly sinceMs: number;
  readonly lastGoodPollAtMs: number | null;
  /** Identity of the server that answered last. */
  readonly server: string | null;
  /** One sentence; null while it is up. */
  readonly error: string | null;
  readonly failedPolls: number;
}

export interface PassSummary {
  readonly pass: string;
  readonly trigger: 'poll' | 'kernel' | 'command';
  readonly atMs: number;
  readonly durationMs: number;
  readonly operations: number;
  readonly failed: number;
  readonly held: number;
  /** Operations that were still to be made at the end of the pass, apart from what is held. */
  readonly pending: number;
  readonly inSync: boolean;
}

export const NETWORK_STATES = ['served', 'blocked', 'idle', 'gone'] as const;

export interface NetworkStatus {
  readonly id: NetworkId;
  readonly bridge: LinkName | null;
  /** `local`, `flat on eth1`, `VLAN 100 on eth1`, `VXLAN 7 on vxlan-7`, `bridge br-ex`; null when it cannot be realised. */
  readonly segment: string | null;
  /** Of a flat or VLAN segment, also when it is not mapped here; null: it has none, or nothing says. */
  readonly physicalNetwork: PhysicalNetwork | null;
  readonly uplink: LinkName | null;
  /** null: it is not reached through a tunnel that this agent serves, or no tap here needs it. */
  readonly tunnel: TunnelStatus | null;
  readonly state: (typeof NETWORK_STATES)[number];
  /** Why it is blocked. */
  readonly warning: Warning | null;
}

/** The tunnel of one network, and the other hosts that it leads to. */
export interface TunnelStatus {
  readonly device: LinkName;
  readonly vni: number;
  /** `local_ip`. */
  readonly local: string;
  /** The UDP port. */
  readonly port: number;
  readonly mtu: number;
  /** Everything is flooded to this multicast group; null: to the endpoints. */
  readonly group: string | null;
  /** Whether the database has said which other hosts have the network; a multicast group does without. */
  readonly isRead: boolean;
  /** How many endpoints are in each state. */
  readonly counts: Readonly<Record<EndpointState, number>>;
  /** Those that need a look first; of a large cloud not all are told. */
  readonly endpoints: readonly EndpointStatus[];
}

/**
 * `listed`: it is in the flood list; `missing`: it is to be, and is not yet; `unknown`: nobody knows where the tunnels of that
 * host end, or whose an entry is; `leaving`: no host of the network is there any more, which further answers are to confirm;
 * `held`: the same, and it waits for the operator.
 */
export const ENDPOINT_STATES = ['unknown', 'missing', 'held', 'leaving', 'listed'] as const;
export type EndpointState = (typeof ENDPOINT_STATES)[number];

/** Where the tunnel of a network leads to. */
export interface EndpointStatus {
  /** null: nobody knows it. */
  readonly endpoint: string | null;
  /** Mostly one; none: nobody knows whose it is. */
  readonly hosts: readonly string[];
  readonly state: EndpointState;
  /** Since when it is known to be of that host; of one that is leaving, since when no host of the network is there. null: not known. */
  readonly sinceMs: number | null;
  readonly why: string | null;
}

/** All tunnels of the host together. */
export interface ForwardingStatus {
  /** Other ends of tunnels that the database names, each once. */
  readonly endpoints: number;
  /** Entries of all flood lists that are there. */
  readonly entries: number;
  /** Entries that the database no longer asks for and that are still there. */
  readonly removalsPending: number;
  /** Hosts of which nobody knows where their tunnels end, each once. */
  readonly hostsUnknown: number;
}

/**
 * `wired`; `waiting` for libvirt; `blocked` (its network cannot be served); `held` (a removal waits for the operator);
 * `down` (port admin down); `no-row`; `left-alone` (elsewhere, another driver, ambiguous); `unknown` (not answered yet).
 */
export const TAP_STATES = [
  'wired',
  'waiting',
  'blocked',
  'held',
  'down',
  'no-row',
  'left-alone',
  'unknown',
] as const;

export interface TapStatus {
  readonly tap: LinkName;
  readonly port: PortId | null;
  readonly network: NetworkId | null;
  readonly bridge: LinkName | null;
  readonly state: (typeof TAP_STATES)[number];
  readonly why: string | null;
}

/** One operation of the past, with its outcome. */
export interface Change {
  readonly atMs: number;
  readonly pass: string;
  readonly op: Operation['op'];
  readonly device: LinkName;
  readonly network: NetworkId | null;
  readonly port: PortId | null;
  readonly reason: string;
  /** The kernel's refusal; null when it succeeded. */
  readonly error: string | null;
}
