import { createHash } from 'node:crypto';
import { DatabaseError } from '../model/database.js';
import type { DatabaseSettings } from '../model/settings.js';
import { answered } from './connect.js';
import type { Connection, Select } from './connection.js';
import { AGENT_COLUMNS, AGENT_TYPE } from './generations/agents.js';
import type { Generation } from './generations/generation.js';
import { text } from './generations/values.js';

/** A host has one row; more are left from a table that allows them. */
const ROWS_MAX = 100;

/** This host's row in `agents`, its heartbeat to the second, and what it says of the host. */
export interface OwnRow {
  readonly id: string;
  readonly heartbeat: string | null;
  readonly configurations: string | null;
}

/** The comparison is made once more here: to some collations `Host1` and `host1` are the same. */
export async function findOwnRow(connection: Connection, host: string): Promise<OwnRow | null> {
  const rows = await connection.select(
    connection
      .builder('agents')
      .select(...AGENT_COLUMNS.found, heartbeatText(connection))
      .where({ agent_type: AGENT_TYPE, host })
      .orderBy('id')
      .limit(ROWS_MAX),
  );
  const own = rows.find((row) => text(row.agent_type) === AGENT_TYPE && text(row.host) === host);
  const id = text(own?.id ?? null);
  return own === undefined || id === null
    ? null
    : { id, heartbeat: text(own.heartbeat), configurations: text(own.configurations) };
}

/**
 * The key of a row that this agent makes. It follows from the host, so that of two agents that start at the same time one
 * is refused. A UUID in the form of RFC 9562's version 8.
 */
export function ownKey(host: string): string {
  const hex = createHash('sha256').update(`${AGENT_TYPE}/${host}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/**
 * The key of this host's row, also where it has not been made yet. null: this agent writes no heartbeats here, or may not
 * see them. Throws DatabaseError.
 */
export async function keyOfOwnRow(
  connection: Connection,
  generation: Generation,
  settings: DatabaseSettings,
): Promise<string | null> {
  if (settings.readOnly || generation.heartbeat?.hasTable !== true) return null;
  try {
    const looking = findOwnRow(connection, settings.host);
    const own = await answered(connection, settings.queryTimeoutMs, 'show its agents', looking);
    return own?.id ?? ownKey(settings.host);
  } catch (error) {
    // Wiring takes no right to this table.
    if (error instanceof DatabaseError && error.kind === 'permission') return null;
    throw error;
  }
}

/** What a poll asks for besides its rows: the heartbeat in the row with this key. */
export const heartbeatOf = (connection: Connection, id: string): Select =>
  connection.builder('agents').select(heartbeatText(connection)).where({ id });

/** In one form on every engine, so that an older time is a smaller text. */
const heartbeatText = ({ builder, server }: Connection) =>
  server.engine === 'postgresql'
    ? builder.raw("to_char(heartbeat_timestamp, 'YYYY-MM-DD HH24:MI:SS') as heartbeat")
    : builder.raw("date_format(heartbeat_timestamp, '%Y-%m-%d %H:%i:%s') as heartbeat");
