import type { Knex } from 'knex';
import type { TapQuestion } from '../../model/database.js';
import type { Port, Segment } from '../../model/port.js';
import type { Row } from '../connection.js';
import type { Term } from '../lookup.js';

export type GenerationName = 'essex' | 'folsom' | 'grizzly' | 'ml2';

/** Tables of the database with their columns and the types of those, in the database's words. */
export type Schema = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Tables and the columns of each that a generation cannot do without. */
export type Needs = Readonly<Record<string, readonly string[]>>;

/** A port row, or what is wrong with it. `interfaceId` tells whether it was asked for at all, with `deviceName` as in Port. */
export type DecodedPort =
  | { readonly ok: true; readonly port: Port }
  | {
      readonly ok: false;
      readonly id: string;
      readonly interfaceId: string;
      readonly deviceName: string | null;
      readonly problem: string;
    };

/** How to read and write one database that was recognised. Everything in it is pure. */
export interface Generation {
  readonly name: GenerationName;
  /** Whether the generation records a host for each port. */
  readonly hasHosts: boolean;
  /** What it reads; the rights it takes follow from that. */
  readonly needs: Needs;
  /** What it reads beside that where it is there and this account may. */
  readonly readsToo: Needs;
  /** Empty for no good reason when the host has taps: `ports` and the table of the bindings of networks. */
  readonly mustHaveRows: readonly string[];
  /** Where the status of a port is written. */
  readonly status: { readonly table: string; readonly id: string; readonly column: string };
  /**
   * The binding rows to this host of the row of `ports` that an UPDATE looks at, for its condition; null: there are none.
   * `ours`: only those by which this agent serves the port.
   */
  boundTo(builder: Knex, host: string, whose: 'ours' | 'any'): Knex.QueryBuilder | null;
  /** How agents report themselves; null: this generation knows no agents. */
  readonly heartbeat: HeartbeatFacts | null;
  /** Where it says which hosts a network reaches; null: it does not. */
  readonly forwarding: ForwardingTables | null;
  /** Where to look for the ports of these taps. */
  portTerms(taps: readonly TapQuestion[]): readonly Term[];
  /** Everything about ports in one SELECT; `matching` adds which. */
  selectPorts(builder: Knex): Knex.QueryBuilder;
  /** One port for each id among `rows`; `host` is the one whose bindings are `here`. */
  decodePorts(rows: readonly Row[], host: string): readonly DecodedPort[];
  /**
   * The two halves of one SELECT: rows of networks and rows of their bindings, with equal columns
   * `network_id`, `is_network` (1 or 0), `mtu` and those of `segmentOf`.
   */
  readonly networkHalves: readonly [NetworkHalf, NetworkHalf];
  /** Indexed lookups that a poll makes: an index that begins with the column keeps it from walking the table. */
  readonly lookups: readonly { readonly table: string; readonly column: string }[];
  /** Where the values are that can be wrong, for `schema check`. */
  readonly places: Places;
  /** The segment that a row of the second half describes. */
  segmentOf(row: Row): Segment;
}

/** Tables that tell who is behind which tunnel. */
export interface ForwardingTables {
  /** Bindings with their segment and their host: by level (Kilo on), or a column of the binding. */
  readonly bindings: { readonly table: string; readonly segment: string };
  /** Networks' segments, with their VNIs. */
  readonly segments: string;
  /** What is read besides the tables of `needs`; a table that is not there is not among them. */
  readonly needs: Needs;
}

/** What is read besides where the tunnels of a host are served. */
export const forwardingNeeds = ({ forwarding }: Pick<Generation, 'forwarding'>, areServed: boolean): Needs =>
  areServed && forwarding !== null ? forwarding.needs : {};

/** What the servers of a generation expect of an agent's row. */
export interface HeartbeatFacts {
  readonly binary: string;
  readonly intervalMs: number;
  /** The table is there with every column that is needed, as far as this account may see. */
  readonly hasTable: boolean;
}

/** Names of columns, and which rows of the bindings are of what kind. */
export interface Places {
  readonly port: { readonly id: string; readonly network: string; readonly adminState: string };
  readonly segment: {
    readonly table: string;
    readonly network: string;
    readonly vlan: string;
    /** null: the generation names no physical network. */
    readonly physicalNetwork: string | null;
    onlyVlan(query: Knex.QueryBuilder): Knex.QueryBuilder;
    /** Keeps the rows of kinds that need a physical network. */
    onlyWired(query: Knex.QueryBuilder): Knex.QueryBuilder;
  };
}

export interface NetworkHalf {
  /** The column with the network's id. */
  readonly column: string;
  select(builder: Knex): Knex.QueryBuilder;
}

/** One generation as a file of this folder knows it. */
export interface GenerationFile {
  readonly name: GenerationName;
  /** What it is told apart by; never a version number. */
  readonly marks: Needs;
  /** What it needs of a database that has its marks. */
  needs(schema: Schema): Needs;
  /** What it reads where it may: taken for absent where this account may not, see `readableSchema`. */
  readonly optional: Needs;
  /** For a schema that holds all it needs. */
  open(schema: Schema): Generation;
}

/** The columns by their full names, as a SELECT over several tables needs them. */
export const columnsOf = (table: string, columns: readonly string[]): string[] =>
  columns.map((column) => `${table}.${column}`);

export const has = (schema: Schema, table: string, column?: string): boolean =>
  column === undefined ? schema.has(table) : schema.get(table)?.has(column) === true;

/** Every table and `table.column` of `needs` that `schema` lacks. */
export function missing(schema: Schema, needs: Needs): readonly string[] {
  return Object.entries(needs).flatMap(([table, columns]) =>
    has(schema, table)
      ? columns.filter((column) => !has(schema, table, column)).map((column) => `${table}.${column}`)
      : [table],
  );
}
