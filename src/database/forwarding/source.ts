import type { Connection } from '../connection.js';
import type { ForwardingTables, Generation } from '../generations/generation.js';
import { text } from '../generations/values.js';
import { indexedColumns } from '../indexed-columns.js';

/** How this database is best asked which hosts a network reaches. */
export interface ForwardingSource extends Pick<ForwardingTables, 'bindings' | 'segments'> {
  /**
   * What is counted in each poll, to notice a change: bindings by their segment, where an index begins with it; else ports
   * by their network, since counting bindings would walk all of them.
   */
  readonly countsBy: 'segment' | 'network';
  /** Whether this account may see where tunnels end. */
  readonly hasAgents: boolean;
  /** Whether there are standby routers to be seen. */
  readonly hasStandbys: boolean;
}

/** Asks once for the index and the rights; null: this generation says nothing of tunnels. Rejects with the driver's error. */
export async function findForwardingSource(
  connection: Connection,
  { forwarding }: Generation,
): Promise<ForwardingSource | null> {
  if (forwarding === null) return null;
  const { bindings, segments, needs } = forwarding;
  const indexed = await indexedColumns(connection, [bindings.table]);
  const readable = await readableTables(connection, Object.keys(needs));
  return {
    bindings,
    segments,
    countsBy: indexed.has(`${bindings.table}.${bindings.segment}`) ? 'segment' : 'network',
    hasAgents: readable.has('agents'),
    hasStandbys: readable.has('agents') && readable.has('ha_router_agent_port_bindings'),
  };
}

/** PostgreSQL shows every table to everybody, and refuses a whole transaction over one that may not be read. */
async function readableTables(
  { builder, server, namespace, select }: Connection,
  tables: readonly string[],
): Promise<ReadonlySet<string>> {
  if (server.engine === 'mysql') return new Set(tables);
  const rows = await select(
    builder('pg_catalog.pg_class as c')
      .join('pg_catalog.pg_namespace as n', 'n.oid', 'c.relnamespace')
      .whereIn('c.relname', tables)
      .where('n.nspname', namespace)
      .whereRaw("pg_catalog.has_table_privilege(c.oid, 'SELECT')")
      .select('c.relname as table_name'),
  );
  return new Set(rows.map((row) => text(row.table_name) ?? ''));
}
