import type { Knex } from 'knex';
import { DatabaseError, type HeartbeatWriter, type SelfReport } from '../model/database.js';
import type { DatabaseServer, DatabaseSettings } from '../model/settings.js';
import type { Watermark, WentBack } from '../model/watermark.js';
import { answered, closing, disconnect } from './connect.js';
import { type Connection, originOf } from './connection.js';
import { databaseError, endpointOf, isDuplicate } from './errors.js';
import { type AGENT_COLUMNS, AGENT_TYPE } from './generations/agents.js';
import { findOwnRow, ownKey } from './own-row.js';
import { openSession, type Session } from './session.js';
import { keptAddress, tunnelsIn } from './tunnels.js';
import { oneAfterAnother } from './turns.js';
import { heed, makeWatermark } from './watermark.js';

/** Where there is nothing to write: a table may be made, or a right granted, later. */
const NOTHING_TO_WRITE_MS = 300_000;
/** `agents.configurations` in every generation. */
const CONFIGURATION_LENGTH_MAX = 4095;

/** A session that beats, and the row as it found or made it. */
interface Beating {
  readonly session: Session;
  row: KnownRow | null;
}

/** The key of this host's row, and the end of its tunnels that stays in it while this agent serves none. */
interface KnownRow {
  readonly id: string;
  readonly keptAddress: string;
}

/**
 * Writes heartbeats. Nothing is connected before the first; after any failure the next one starts afresh with the
 * first server of the list. A beat ends within `connectTimeoutMs` for each server tried and twice `queryTimeoutMs`.
 */
export function openHeartbeats(
  settings: DatabaseSettings,
  watermark: Watermark = makeWatermark(),
): HeartbeatWriter {
  const inTurn = oneAfterAnother();
  let beating: Beating | null = null;
  const closed = new AbortController();

  async function connected(): Promise<Beating> {
    if (beating?.session.connection.lost() || beating?.session.term.isOver()) await end();
    beating ??= { session: await openSession(settings, watermark, {}, closed.signal), row: null };
    return beating;
  }

  async function end(): Promise<void> {
    if (beating !== null) await disconnect(beating.session.connection);
    beating = null;
  }

  async function beat(report: SelfReport): Promise<number> {
    if (settings.readOnly || closed.signal.aborted) return NOTHING_TO_WRITE_MS;
    const current = await connected();
    const { connection, generation } = current.session;
    const { heartbeat } = generation;
    if (heartbeat === null || !heartbeat.hasTable) {
      await end();
      return NOTHING_TO_WRITE_MS;
    }
    const row = newRow(connection, settings.host, heartbeat.binary, report);
    try {
      const writing = freshen(connection, row, current.row, watermark);
      current.row = await answered(connection, settings.queryTimeoutMs, 'take the heartbeat', writing);
      return heartbeat.intervalMs;
    } catch (error) {
      connection.cut();
      beating = null;
      throw databaseError(error, connection.server);
    }
  }

  return {
    beat: (report) => inTurn(() => beat(report)),
    close: () => {
      closed.abort(closing());
      beating?.session.connection.cut();
      return inTurn(end);
    },
  };
}

/** What is written, in values and in the server's own arithmetic. */
interface NewRow {
  readonly host: string;
  readonly binary: string;
  readonly report: SelfReport;
  readonly now: Knex.Raw;
  readonly startedAt: Knex.Raw;
}

/**
 * Freshens the known row, unless its heartbeat is older than the last one: then, and without a key, it is looked
 * for, so that what the database has gone back to is noticed before it is written over. Made when there is none.
 */
async function freshen(
  connection: Connection,
  row: NewRow,
  known: KnownRow | null,
  watermark: Watermark,
): Promise<KnownRow> {
  const fresh = (kept: string) => ({
    heartbeat_timestamp: row.now,
    configurations: configurationsOf(connection.server, row.report, kept),
  });
  const { heartbeat } = watermark.seen();
  // An end that this agent has told of is kept as well, when it cannot serve it any more.
  const rowNow = (id: string, kept: string): KnownRow => ({
    id,
    keptAddress: row.report.tunnels?.address ?? kept,
  });
  const rowOf = (id: string): Knex.QueryBuilder => connection.builder('agents').where({ id });
  if (known !== null) {
    const own = rowOf(known.id);
    const unlessOlder = heartbeat === null ? own : own.where('heartbeat_timestamp', '>=', heartbeat);
    if ((await connection.write(unlessOlder.update(fresh(known.keptAddress)))) > 0)
      return rowNow(known.id, known.keptAddress);
  }
  const found = await findOwnRow(connection, row.host);
  const older = heed(watermark, found?.heartbeat ?? null);
  if (older !== null) await noteSign(connection, watermark, older);
  const id = found?.id ?? (await makeRow(connection, row)) ?? (await findOwnRow(connection, row.host))?.id;
  if (id === undefined) throw takenByAnother(connection, row.host);
  const kept = keptAddress(found?.configurations ?? null);
  // What an administrator or an older agent wrote into the other columns stays.
  await connection.write(rowOf(id).update({ ...fresh(kept), started_at: row.startedAt }));
  return rowNow(id, kept);
}

/** On a read-only server nothing is written over, and every answer shows how old it is. */
async function noteSign(connection: Connection, watermark: Watermark, older: WentBack): Promise<void> {
  const { server } = await connection.wholeSnapshot([], null);
  if (server.suspect === null)
    watermark.note({ wentBack: { ...older, server: originOf(connection, server) } });
}

/** Grizzly's table lets a host have two rows, which its server then stumbles over. Gives the key; null: there is such a row already. */
async function makeRow({ builder, write, server }: Connection, row: NewRow): Promise<string | null> {
  const id = ownKey(row.host);
  const values = {
    id,
    agent_type: AGENT_TYPE,
    binary: row.binary,
    topic: 'N/A',
    host: row.host,
    admin_state_up: true,
    created_at: row.now,
    started_at: row.startedAt,
    heartbeat_timestamp: row.now,
    configurations: configurationsOf(server, row.report, ''),
  } satisfies Record<(typeof AGENT_COLUMNS.inserted)[number], unknown>;
  try {
    await write(builder('agents').insert(values));
    return id;
  } catch (error) {
    if (isDuplicate(error)) return null;
    throw error;
  }
}

/** Times are the server's own, as its other agents' are, whatever this host's clock or the session's zone says. */
function newRow({ builder, server }: Connection, host: string, binary: string, report: SelfReport): NewRow {
  const upForS = Math.round(report.upForMs / 1000);
  const [now, startedAt] =
    server.engine === 'postgresql'
      ? ["timezone('utc', clock_timestamp())", "timezone('utc', clock_timestamp()) - ? * interval '1 second'"]
      : ['utc_timestamp()', 'utc_timestamp() - interval ? second'];
  return { host, binary, report, now: builder.raw(now), startedAt: builder.raw(startedAt, [upForS]) };
}

/** What servers and their clients read of an agent: ML2 binds only ports of physical networks that are named here. */
function configurationsOf(
  server: DatabaseServer,
  { devices, tunnels, interfaceMappings, bridgeMappings }: SelfReport,
  keptAddress: string,
): string {
  const json = JSON.stringify({
    bridge_mappings: Object.fromEntries(bridgeMappings),
    devices,
    extensions: [],
    interface_mappings: Object.fromEntries(interfaceMappings),
    ...tunnelsIn(tunnels, keptAddress),
  });
  // The column may be of a character set that holds less than names may; JSON can say all of it in ASCII.
  const ascii = json.replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  if (ascii.length > CONFIGURATION_LENGTH_MAX) throw tooLong(server, ascii.length);
  return ascii;
}

const tooLong = (server: DatabaseServer, length: number): DatabaseError =>
  new DatabaseError(
    'query',
    `${endpointOf(server)}: agents.configurations takes ${CONFIGURATION_LENGTH_MAX} characters, and the mappings of this host make ${length}; map fewer physical networks.`,
  );

const takenByAnother = ({ server }: Connection, host: string): DatabaseError =>
  new DatabaseError(
    'query',
    `${endpointOf(server)}: agents has the row of a host whose name differs from "${host}" only as its collation does not tell apart; give one of the two another name in the setting host.`,
  );
