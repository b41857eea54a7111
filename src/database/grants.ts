import type { Generation } from './generations/generation.js';
import type { Dialect } from './migrations.js';

/** For whom and for what the rights are. */
export interface Grantee {
  readonly user: string;
  /** MySQL: where the user comes from, `%` for anywhere. PostgreSQL has that in pg_hba.conf. */
  readonly host: string;
  readonly database: string;
  readonly readOnly: boolean;
}

/**
 * The GRANT statements that let the agent do its whole job and nothing else: reading the tables of its
 * generation, and, unless it is read-only, writing the status of ports.
 */
export function grants(dialect: Dialect, generation: Generation, grantee: Grantee): readonly string[] {
  const { needs, status } = generation;
  const tables = Object.keys(needs);
  return dialect === 'postgresql' ? postgresql(tables, status, grantee) : mysql(tables, status, grantee);
}

function postgresql(
  tables: readonly string[],
  status: Generation['status'],
  { user, database, readOnly }: Grantee,
) {
  const to = `to ${quoted(user, '"')}`;
  return [
    `grant connect on database ${quoted(database, '"')} ${to}`,
    `grant usage on schema public ${to}`,
    `grant select on ${tables.join(', ')} ${to}`,
    ...(readOnly ? [] : [`grant update (${status.column}) on ${status.table} ${to}`]),
  ];
}

function mysql(
  tables: readonly string[],
  status: Generation['status'],
  { user, host, database, readOnly }: Grantee,
) {
  const to = `to ${quoted(user, "'")}@${quoted(host, "'")}`;
  const on = (table: string): string => `on ${quoted(database, '`')}.${table}`;
  return [
    ...tables.map((table) => `grant select ${on(table)} ${to}`),
    ...(readOnly ? [] : [`grant update (${status.column}) ${on(status.table)} ${to}`]),
  ];
}

const quoted = (name: string, quote: string): string =>
  `${quote}${name.replaceAll('\\', '\\\\').replaceAll(quote, quote + quote)}${quote}`;
