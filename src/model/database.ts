import type { ForwardingAnswer } from './forwarding.js';
import type { LinkName, NetworkId, PhysicalNetwork, PortId } from './ids.js';
import type { Network, Port } from './port.js';
import type { Warning } from './warning.js';
import type { WentBack } from './watermark.js';

/** A tap that is here, as the database is asked for it. */
export type TapQuestion =
  /** Known from an earlier answer: primary key lookup. */
  | { readonly by: 'id'; readonly id: PortId; readonly wired: boolean }
  /** `suffix` is the part after `tap`. Exactly 11 characters: an id prefix; shorter: a whole id. */
  | { readonly by: 'suffix'; readonly suffix: string; readonly wired: boolean }
  /** A device name that is itself the interface id (`gw-…`); only the Essex generation has such. */
  | { readonly by: 'device'; readonly device: string; readonly wired: boolean };

/** A bridge of the agent that is here; its network is asked for so that a deleted one is noticed. */
export type BridgeQuestion =
  | { readonly by: 'id'; readonly id: NetworkId }
  /** An unlabelled bridge: the 11 characters after `brq`. */
  | { readonly by: 'suffix'; readonly suffix: string };

export interface Question {
  readonly taps: readonly TapQuestion[];
  readonly bridges: readonly BridgeQuestion[];
  /** See `ForwardingQuestion`; absent: none. */
  readonly vnis?: readonly number[];
}

/** One consistent snapshot of the rows that concern this host. */
export interface Answer {
  /** `essex`, `folsom`, `grizzly` or `ml2`. */
  readonly generation: string;
  /** The generation records a host for each port. */
  readonly hasHosts: boolean;
  readonly ports: readonly Port[];
  /** Every network of `ports` and of the bridges asked for that has any row; absent: it has none. */
  readonly networks: readonly Network[];
  /** Identity of the server that answered; another value than last time means a change of server. */
  readonly server: string;
  /** Why this server's silence about a row must not be trusted; null: it may be. */
  readonly suspect: 'in-recovery' | 'read-only' | null;
  /** This very answer shows an older heartbeat of this agent than is known; null: no sign that it is old. */
  readonly behind: WentBack | null;
  /**
   * Tables that are wholly empty, of those that matter (`ports`, the bindings table, and where tunnels are read those that tell
   * who is behind them). Probed only when a wired tap, a bridge asked for or the network of a port has no row, or no port of a
   * network with a tunnel is bound to this host; empty otherwise.
   */
  readonly emptyTables: readonly string[];
  /** Who is behind the tunnels of these networks; absent: none of them has one, or this host serves none. */
  readonly forwarding?: ForwardingAnswer;
  /** Rows that could not be understood; they cost only themselves. */
  readonly warnings: readonly Warning[];
}

/** A status to write: only while the row still holds `from`, and its binding still is what the status rests on. */
export interface StatusChange {
  readonly port: PortId;
  readonly from: string | null;
  readonly to: string;
  /** `here`: to this host, by this agent's driver; `elsewhere`: not to this host; `anywhere`: nothing says, or the generation has no hosts. */
  readonly bound: 'here' | 'elsewhere' | 'anywhere';
}

/** What went wrong with the database, told apart because users must do different things about each. */
export type DatabaseErrorKind =
  /** Nothing answers, the connection dropped, or a limit ran out. Retried. */
  | 'unreachable'
  /** The system keeps this user from the server's Unix socket. */
  | 'socket-forbidden'
  | 'authentication'
  | 'no-such-database'
  | 'tls'
  | 'name-resolution'
  /** A right is missing. */
  | 'permission'
  /** A pooler before the server that gives no transactions. Retried. */
  | 'no-transactions'
  /** The server, or something before it, keeps rows back. Retried. */
  | 'rows-hidden'
  /** Tables or columns are not as any known generation has them. */
  | 'schema'
  | 'query';

/** Thrown by every method of `Database`. The message is one sentence without any secret. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  constructor(
    readonly kind: DatabaseErrorKind,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The shared database as the agent sees it. Every call ends within the configured limits. */
export interface Database {
  /**
   * Reads one snapshot; connects first when not connected. An answer in which nothing has changed may be the same object
   * as the one before, and then nothing has. Throws DatabaseError.
   */
  read(question: Question): Promise<Answer>;
  /** Writes what differs; a row that vanished or changed costs nobody else. Returns how many rows it changed. */
  writeStatuses(changes: readonly StatusChange[]): Promise<number>;
  /** Ends every connection; never throws. */
  close(): Promise<void>;
}

/** What the agent reports of its host as it sees it. */
export interface SelfSeen {
  /** Taps that are here. */
  readonly devices: number;
  /** null: no network of type vxlan can be served here, so that no server may bind a port of one. */
  readonly tunnels: {
    /** Where the tunnels of this host end, as `ip` prints it. */
    readonly address: string;
    /** Whether the database tells which hosts a network reaches; otherwise multicast groups do. */
    readonly isPopulated: boolean;
  } | null;
}

/** What the agent reports of itself to the servers of the cloud. */
export interface SelfReport extends SelfSeen {
  /** How long the process has run: the database's clock, not this host's, tells when it began. */
  readonly upForMs: number;
  readonly interfaceMappings: ReadonlyMap<PhysicalNetwork, LinkName>;
  readonly bridgeMappings: ReadonlyMap<PhysicalNetwork, LinkName>;
}

/** Keeps this host's row in `agents` fresh, on a connection of its own, so that nothing waits for it. */
export interface HeartbeatWriter {
  /**
   * Makes the row or freshens it; never touches another one. Gives the milliseconds until the next beat, also where
   * there is nothing to write (no such table, or `read_only`). Throws DatabaseError.
   */
  beat(report: SelfReport): Promise<number>;
  /** Cuts what is under way; never throws. */
  close(): Promise<void>;
}
