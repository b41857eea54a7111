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

/** The server, and the schema in it, that an answer comes from, see `Answer`. */
export const originOf = ({ namespace }: Connection, { identity }: ServerState): string =>
  namespace === null ? identity : `${identity}/${namespace}`;

export type Select = Knex.QueryBuilder | Knex.Raw;

/** What the server is, and the rows of each SELECT, in order. */
export interface Snapshot {
  readonly server: ServerState;
  readonly rows: readonly (readonly Row[])[];
  /** What the `heartbeat` SELECT has found; null: nothing, or none was asked for. */
  readonly heartbeat: string | null;
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
  /** The schema of a PostgreSQL database in which `builder` names tables; null: where the server looks for them. */
  readonly namespace: string | null;
  /** Rows of one SELECT. Rejects with the driver's own error, as `write` and the others do. */
  select(query: Select): Promise<readonly Row[]>;
  /** How many rows one UPDATE matched, or one INSERT made. */
  write(query: Knex.QueryBuilder): Promise<number>;
  /**
   * Opens a read-only transaction whose SELECTs all see one moment, asks what the server is, and carries out the first
   * SELECTs: one round trip where the engine can. `heartbeat`, of one column and at most one row, is part of the question
   * for the server.
   */
  beginSnapshot(first: readonly Select[], heartbeat: Select | null): Promise<Snapshot>;
  endSnapshot(): Promise<void>;
  /** A snapshot that needs no more than these SELECTs, with its end: one round trip where the engine can. */
  wholeSnapshot(selects: readonly Select[], heartbeat: Select | null): Promise<Snapshot>;
  /** True once the connection broke or was cut: it must not be used again. */
  lost(): boolean;
  /** Tells the server good-bye when it listens; `cut` afterwards in any case. */
  end(): Promise<void>;
  /** Destroys the socket at once; what waits for an answer is rejected. */
  cut(): void;
}

/**
 * The connection, but with every table named by its schema: no other schema of the search path (one of the role's own
 * name, one of temporary tables) can come before that one.
 */
export const inNamespace = (connection: Connection, namespace: string): Connection => ({
  ...connection,
  namespace,
  builder: new Proxy(connection.builder, {
    apply: (builder, _, [table]) =>
      String(table).includes('.') ? builder(table) : builder.withSchema(namespace).from(table),
  }),
});
