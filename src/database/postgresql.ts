import type { Socket } from 'node:net';
import knex from 'knex';
import pg from 'pg';
import type { DatabaseServer, TlsSettings } from '../model/settings.js';
import type { Connection, Row, Select, ServerState, Snapshot } from './connection.js';
import { addressOf, isReadOnly } from './errors.js';
import { text } from './generations/values.js';
import { databaseSocket } from './names.js';
import { containDriver } from './postgresql-stream.js';
import { readTlsFiles } from './tls.js';

const builder = knex({ client: 'pg' });
const KEEP_ALIVE_MS = 10_000;

/**
 * What identifies the server, richest first; the first that the server's version and this account's rights
 * allow is used. The timeline grows with every promotion and every point-in-time recovery; a restart keeps
 * it. The object id of the database tells one that was dropped and restored.
 */
const STATE_QUERIES = [
  `select (select system_identifier from pg_control_system())::text as cluster,
    case when pg_is_in_recovery() then 'standby' else substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end as timeline,`,
  `select '' as cluster,
    case when pg_is_in_recovery() then 'standby' else substr(pg_xlogfile_name(pg_current_xlog_location()), 1, 8) end as timeline,`,
  `select '' as cluster, case when pg_is_in_recovery() then 'standby' else 'primary' end as timeline,`,
].map(
  (start) => `${start}
    (select oid from pg_database where datname = current_database())::text as database,
    pg_is_in_recovery() as in_recovery,
    current_setting('default_transaction_read_only') as read_only`,
);

/**
 * Connects and makes the session independent of the server's defaults. The caller limits the wait:
 * `onSocket` hands it the means to end it. Rejects with the driver's error.
 */
export async function connectPostgresql(
  server: DatabaseServer,
  queryTimeoutMs: number,
  onSocket: (cut: () => void) => void,
): Promise<Connection> {
  const socket = databaseSocket();
  onSocket(() => socket.destroy());
  const client = new pg.Client(await postgresqlOptions(server, socket));
  let lost = false;
  // A server that goes away while nothing is asked is an event of the client; without a handler it would
  // end the process (brianc/node-postgres#2386). What waits for an answer is rejected by the driver.
  client.on('error', () => {
    lost = true;
  });
  client.on('end', () => {
    lost = true;
  });
  const connecting = client.connect();
  // The driver listens to the socket by now, or to the one that TLS puts around it.
  if (client.ssl) client.connection.once('sslconnect', () => containDriver(client.connection.stream));
  else containDriver(client.connection.stream);
  await connecting;
  const { rows: known } = await client.query<Row>(sessionSettings(queryTimeoutMs));
  const stateQuery = (await firstAllowed(client)) + (known.some(isRowSecurity) ? ROW_SECURITY_OFF : '');
  const ask = async (
    selects: readonly Select[],
    heartbeat: Select | null,
    end: readonly string[],
  ): Promise<Snapshot> => {
    const question =
      heartbeat === null ? stateQuery : `${stateQuery}, (${withValues(heartbeat)}) as heartbeat`;
    const { state, rows } = await snapshot(client, question, selects, end);
    return { server: stateOf(state, addressOf(server)), rows, heartbeat: text(state.heartbeat) };
  };
  // A pooler that gives no transactions lets clients in; it has to tell here, so that the next server is tried.
  await ask([], null, []);
  await client.query('COMMIT');
  return {
    server,
    builder,
    namespace: null,
    select: async (query) => (await client.query<Row>(native(query))).rows,
    write: async (query) => {
      try {
        return (await client.query(native(query))).rowCount ?? 0;
      } catch (error) {
        // It may be another client of a pooler that has made the session read-only, and not the server.
        if (!isReadOnly(error) || (await ask([], null, ['COMMIT'])).server.suspect !== null) throw error;
        return writeDespiteSession(client, query);
      }
    },
    beginSnapshot: (first, heartbeat) => ask(first, heartbeat, []),
    wholeSnapshot: (selects, heartbeat) => ask(selects, heartbeat, ['COMMIT']),
    endSnapshot: async () => {
      await client.query('COMMIT');
    },
    lost: () => lost,
    end: () => client.end(),
    cut: () => {
      lost = true;
      socket.destroy();
    },
  };
}

/** The driver's options for a server, over a socket that the caller can cut. */
export async function postgresqlOptions(server: DatabaseServer, socket: Socket): Promise<pg.ClientConfig> {
  return {
    host: server.socketPath ?? server.host ?? 'localhost',
    port: server.port ?? 5432,
    user: server.user,
    // A function, and never null: pg would look into ~/.pgpass and the environment instead.
    password: () => server.password() ?? '',
    database: server.database,
    ssl: server.tls === null || server.socketPath !== null ? false : await tlsOptions(server.tls),
    application_name: 'quantum-linuxbridge-agent',
    stream: () => socket,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
}

async function tlsOptions(tls: TlsSettings): Promise<pg.ClientConfig['ssl']> {
  return {
    ...(await readTlsFiles(tls)),
    rejectUnauthorized: tls.verify,
    // libpq's verify-ca: any name will do.
    ...(!tls.verifyHostname && { checkServerIdentity: () => undefined }),
  };
}

interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/** A query that is asked again is not built again. */
const statements = new WeakMap<object, Statement>();

function native(query: Select): Statement {
  const built = statements.get(query);
  if (built !== undefined) return built;
  const { sql, bindings } = query.toSQL().toNative();
  const values = bindings.map((value) => (Array.isArray(value) ? arrayLiteral(value) : value));
  const statement = { text: sql, values };
  statements.set(query, statement);
  return statement;
}

/** What the driver would make of an array each time that it is sent. */
const arrayLiteral = (values: readonly unknown[]): string =>
  `{${values.map((value) => `"${String(value).replace(/[\\"]/g, '\\$&')}"`).join(',')}}`;

/** Sets what this server knows of the list: older servers lack some, and SET of an unknown name is an error. */
function sessionSettings(queryTimeoutMs: number): { text: string; values: string[] } {
  const limit = String(queryTimeoutMs);
  const settings = [
    ['statement_timeout', limit],
    ['lock_timeout', limit],
    ['idle_in_transaction_session_timeout', limit],
    ['TimeZone', 'UTC'],
    ['standard_conforming_strings', 'on'],
    ['synchronous_commit', 'on'],
    // Rows that a policy would hide in silence are an error, and those of child tables (before 10) are seen.
    ['row_security', 'off'],
    ['sql_inheritance', 'on'],
    // Statements of a poll are short: for some of 1,000 rows two processes would be started, or code compiled.
    ['max_parallel_workers_per_gather', '0'],
    ['jit', 'off'],
  ].flat();
  const rows = settings.flatMap((_, at) => (at % 2 ? [] : [`($${at + 1}::text, $${at + 2}::text)`]));
  return {
    text: `select s.name, set_config(s.name, v.value, false) from (values ${rows}) as v(name, value) join pg_settings s on s.name = v.name`,
    values: settings,
  };
}

const isRowSecurity = ({ name }: Row): boolean => name === 'row_security';

/** Goes with the question for the state, once more for the transaction: a pooler may give each one another session. */
const ROW_SECURITY_OFF = `, set_config('row_security', 'off', true) as row_security`;

/** What a session's transactions are allowed, as server, database and account have it, whatever another client of a pooler has set. */
const READ_ONLY_AS_SERVER = 'SET LOCAL default_transaction_read_only TO DEFAULT';

async function firstAllowed(client: pg.Client): Promise<string> {
  let refusal: unknown;
  for (const query of STATE_QUERIES) {
    try {
      await client.query(query);
      return query;
    } catch (error) {
      refusal = error;
      // Undefined function or column, no right to call it: the next one asks less.
      if (!(error instanceof pg.DatabaseError) || !/^(42883|42703|42501|0A000)$/.test(error.code ?? ''))
        break;
    }
  }
  throw refusal;
}

/**
 * BEGIN, the question for the server's state, SELECTs and what is to follow them travel in one message: one round trip.
 * Such a message takes no parameters, so the values stand in the statements.
 */
async function snapshot(
  client: pg.Client,
  stateQuery: string,
  selects: readonly Select[],
  end: readonly string[],
): Promise<{ readonly state: Row; readonly rows: readonly (readonly Row[])[] }> {
  const begin = ['BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', READ_ONLY_AS_SERVER];
  const message = [...begin, stateQuery, ...selects.map(withValues), ...end].join('; ');
  // There is one result for each statement, of which the driver's type knows nothing.
  const results: unknown = await client.query<Row>(message);
  const [, , state, ...found] = (results as readonly pg.QueryResult<Row>[]).map(({ rows }) => rows);
  return { state: state?.[0] ?? {}, rows: found.slice(0, selects.length) };
}

/** Statements of one message are one transaction, which ends with them. How many rows matched. */
async function writeDespiteSession(client: pg.Client, query: Select): Promise<number> {
  const results: unknown = await client.query(`SET TRANSACTION READ WRITE; ${withValues(query)}`);
  return (results as readonly pg.QueryResult[]).at(-1)?.rowCount ?? 0;
}

const texts = new WeakMap<object, string>();

/** A statement with its values in it. */
function withValues(query: Select): string {
  const known = texts.get(query);
  if (known !== undefined) return known;
  const { text, values } = native(query);
  const whole = text.replace(/\$(\d+)/g, (_, number) => pg.escapeLiteral(String(values[Number(number) - 1])));
  texts.set(query, whole);
  return whole;
}

const stateOf = (row: Row, address: string): ServerState => ({
  identity: `${address} ${row.cluster}/${row.timeline}/${row.database}`,
  suspect: row.in_recovery === true ? 'in-recovery' : row.read_only === 'on' ? 'read-only' : null,
});
