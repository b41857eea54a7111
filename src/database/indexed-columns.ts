import type { Connection } from './connection.js';
import { text } from './generations/values.js';

/** `table.column` for each column of these tables that a usable index begins with. Rejects with the driver's error. */
export async function indexedColumns(
  { builder, server, namespace, select }: Pick<Connection, 'builder' | 'server' | 'namespace' | 'select'>,
  tables: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await select(
    server.engine === 'postgresql'
      ? builder('pg_catalog.pg_index as i')
          .join('pg_catalog.pg_class as c', 'c.oid', 'i.indrelid')
          .joinRaw('join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0]')
          .join('pg_catalog.pg_namespace as n', 'n.oid', 'c.relnamespace')
          .whereIn('c.relname', tables)
          .where('n.nspname', namespace)
          .whereRaw('i.indisvalid')
          .select('c.relname as table_name', 'a.attname as column_name')
      : builder('information_schema.statistics')
          .whereIn('table_name', tables)
          .where('seq_in_index', 1)
          .whereRaw('table_schema = database()')
          .select('table_name as table_name', 'column_name as column_name'),
  );
  return new Set(rows.map((row) => `${text(row.table_name)}.${text(row.column_name)}`));
}
