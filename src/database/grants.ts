import { AGENT_COLUMNS } from './generations/agents.js';
import { forwardingNeeds, type Generation } from './generations/generation.js';
import type { Dialect } from './migrations.js';

/** For whom and for what the rights are. */
export interface Grantee {
  readonly user: string;
  /** MySQL: where the user comes from, `%` for anywhere. PostgreSQL has that in pg_hba.conf. */
  readonly host: string;
  readonly database: string;
  /** PostgreSQL: the schema of the tables. */
  readonly namespace: string;
  readonly readOnly: boolean;
  /** Whether the tunnels of this host are served: who is behind which tunnel is read then. */
  readonly tunnels: boolean;
}

/**
 * The GRANT statements that let the agent do its whole job and nothing else: reading the tables of its
 * generation, and, unless it is read-only, writing the status of ports and its own row of `agents`.
 */
export function grants(dialect: Dialect, generation: Generation, grantee: Grantee): readonly string[] {
  const others = forwardingNeeds(generation, grantee.tunnels);
  const tables = Object.keys({ ...generation.needs, ...generation.readsToo, ...others });
  const reads = tables.map((table) => ({ right: 'select', table }));
  const written = grantee.readOnly ? [] : writes(dialect, generation);
  // What is written is partly read, too.
  const rights = [
    ...reads,
    ...written.filter(({ right, table }) => right !== 'select' || !(table in others)),
  ];
  return dialect === 'postgresql' ? postgresql(rights, grantee) : mysql(rights, grantee);
}

interface Right {
  /** The verb, with its columns where they are told. */
  readonly right: string;
  readonly table: string;
}

function writes(dialect: Dialect, { status, heartbeat }: Generation): readonly Right[] {
  const quote = dialect === 'postgresql' ? '"' : '`';
  const columns = (names: readonly string[]): string =>
    names.map((name) => (name === 'binary' ? quoted(name, quote) : name)).join(', ');
  const ports = { right: `update (${status.column})`, table: status.table };
  if (!heartbeat?.hasTable) return [ports];
  return [
    ports,
    // All columns: `fleet` shows them.
    { right: 'select', table: 'agents' },
    { right: `insert (${columns(AGENT_COLUMNS.inserted)})`, table: 'agents' },
    { right: `update (${columns(AGENT_COLUMNS.updated)})`, table: 'agents' },
  ];
}

function postgresql(rights: readonly Right[], { user, database, namespace }: Grantee): readonly string[] {
  const to = `to ${quoted(user, '"')}`;
  return [
    `grant connect on database ${quoted(database, '"')} ${to}`,
    `grant usage on schema ${quoted(namespace, '"')} ${to}`,
    ...rights.map(({ right, table }) => `grant ${right} on ${quoted(namespace, '"')}.${table} ${to}`),
  ];
}

function mysql(rights: readonly Right[], { user, host, database }: Grantee): readonly string[] {
  // As names, not as texts: in a text a backslash means something or not, depending on the sql_mode of who runs this.
  const to = `to ${quoted(user, '`')}@${quoted(host, '`')}`;
  return rights.map(({ right, table }) => `grant ${right} on ${quoted(database, '`')}.${table} ${to}`);
}

const quoted = (name: string, quote: string): string =>
  `${quote}${name.replaceAll(quote, quote + quote)}${quote}`;
