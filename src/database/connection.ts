import type { Knex } from 'knex';
import type { Answer } from '../model/database.js';
import type { DatabaseServer } from '../model/settings.js';

/** One row as the driver gives it; each generation's file translates the columns it asked for. */
export type Row = Readonly<Record<string, unknown>>;

/** What a snapshot says of the server it was taken on. */
export interface ServerState {
  /** Same value: same server in the same role, also after it was restarted. */
  readonly identity: string;
  readonly suspect: Answer['suspect'];
}

/**
 * One connection to one server. knex builds every statement; the driver's own connection carries it out,
 * so that a limit can cut the socket whatever state the protocol is in. There is no pool: polls need one
 * connection, and a pool would hand out one that died with the server.
 */
export interface Connection {
  readonly server: DatabaseServer;
  /** Builds statements for this engine; never connects. */
  readonly builder: Knex;
  /** Rows of one SELECT. Rejects with the driver's own error, as `write` and the others do. */
  select(query: Knex.QueryBuilder | Knex.Raw): Promise<readonly Row[]>;
  /** How many rows one UPDATE matched, or one INSERT made. */
  write(query: Knex.QueryBuilder): Promise<number>;
  /** Opens a read-only transaction whose SELECTs all see one moment, and asks what the server is. */
  beginSnapshot(): Promise<ServerState>;
  endSnapshot(): Promise<void>;
  /** True once the connection broke or was cut: it must not be used again. */
  lost(): boolean;
  /** Tells the server good-bye when it listens; `cut` afterwards in any case. */
  end(): Promise<void>;
  /** Destroys the socket at once; what waits for an answer is rejected. */
  cut(): void;
}
