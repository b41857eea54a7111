import type { Socket } from 'node:net';
import knex from 'knex';
import mysql from 'mysql2';
import type { DatabaseServer, TlsSettings } from '../model/settings.js';
import type { Connection, Row, Select, ServerState } from './connection.js';
import { addressOf } from './errors.js';
import { text } from './generations/values.js';
import { authenticationFor } from './mysql-authentication.js';
import { databaseSocket } from './names.js';
import { readTlsFiles } from './tls.js';

const builder = knex({ client: 'mysql2' });
const KEEP_ALIVE_MS = 10_000;

/** Variables that only some servers have: MariaDB's and MySQL's limits and identities differ. */
const OPTIONAL_VARIABLES = [
  'max_statement_time',
  'max_execution_time',
  'server_uuid',
  'server_uid',
  'system_versioning_asof',
  'explain_format',
];

/**
 * Connects and makes the session independent of the server's defaults. The caller limits the wait:
 * `onSocket` hands it the means to end it. Rejects with the driver's error.
 */
export async function connectMysql(
  server: DatabaseServer,
  queryTimeoutMs: number,
  onSocket: (cut: () => void) => void,
): Promise<Connection> {
  const socket = databaseSocket();
  onSocket(() => socket.destroy());
  const client = mysql.createConnection(await mysqlOptions(server, socket));
  let lost = false;
  client.on('error', () => {
    lost = true;
  });
  client.on('end', () => {
    lost = true;
  });
  // Packets out of order: the driver prints that and reads on. What follows may be anything, so the connection ends
  // here, and with it the snapshot that was being read.
  client.on('warn', () => {
    lost = true;
    socket.destroy();
  });
  await connected(client);
  // First of all: a limit of the server's own cuts the rows of SHOW, too. DEFAULT would take that limit over.
  await ask(client, { sql: 'SET SESSION sql_select_limit = 18446744073709551615' });
  const optional = await optionalVariables(client);
  await ask(client, sessionSettings(optional, queryTimeoutMs));
  // The consistent snapshot needs this level; under another one MySQL gives a warning and no snapshot.
  await ask(client, { sql: 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ' });
  const stateQuery = stateQueryFor(optional);
  const address = addressOf(server);
  const select: Connection['select'] = async (query) => rowsOf(await ask(client, native(client, query)));
  // One after another: the driver sends a statement when the one before is answered.
  const beginSnapshot: Connection['beginSnapshot'] = async (first, heartbeat) => {
    const asked = heartbeat === null ? null : native(client, heartbeat);
    const row = await begin(client, stateQuery, asked);
    const rows: (readonly Row[])[] = [];
    for (const query of first) rows.push(await select(query));
    return { server: stateOf(row, address), rows, heartbeat: text(row.heartbeat) };
  };
  const endSnapshot: Connection['endSnapshot'] = async () => {
    await ask(client, COMMIT);
  };
  // A Galera node that is out of its cluster lets clients in and answers what needs no table of its own; only
  // a transaction tells (1047), and it has to tell here, so that the next server of the list is tried.
  await beginSnapshot([], null);
  await endSnapshot();
  return {
    server,
    builder,
    namespace: null,
    select,
    write: async (query) => matchedRows(await ask(client, native(client, query))),
    beginSnapshot,
    endSnapshot,
    wholeSnapshot: async (selects, heartbeat) => {
      const snapshot = await beginSnapshot(selects, heartbeat);
      await endSnapshot();
      return snapshot;
    },
    lost: () => lost,
    end: () => new Promise((resolve, reject) => client.end((error) => (error ? reject(error) : resolve()))),
    cut: () => {
      lost = true;
      socket.destroy();
    },
  };
}

/** The driver's options for a server, over a socket that the caller can cut. */
export async function mysqlOptions(server: DatabaseServer, socket: Socket): Promise<mysql.ConnectionOptions> {
  const tls = server.tls === null || server.socketPath !== null ? null : await tlsOptions(server.tls);
  return {
    // mysql2 only ends its stream in `destroy`, which waits for a frozen server; this socket can be cut. It
    // connects when the driver listens to it, not before: its errors would end the process.
    stream: () => connectSocket(socket, server),
    // Still needed: TLS checks the certificate against it.
    ...(server.host !== null && { host: server.host }),
    user: server.user,
    password: server.password() ?? '',
    database: server.database,
    charset: 'utf8mb4',
    timezone: 'Z',
    connectTimeout: 0,
    multipleStatements: false,
    authPlugins: await authenticationFor(server),
    ...(tls && { ssl: tls }),
  };
}

function connectSocket(socket: Socket, server: DatabaseServer): Socket {
  // mysql2 does not tell TLS an address that is no name, and Node then checks the certificate against the
  // socket's `_host`, or else "localhost": a certificate for any machine that is called so would do.
  Object.assign(socket, { _host: server.host });
  if (server.socketPath !== null) return socket.connect(server.socketPath);
  return socket
    .setNoDelay(true)
    .setKeepAlive(true, KEEP_ALIVE_MS)
    .connect(server.port ?? 3306, server.host ?? 'localhost');
}

async function tlsOptions(tls: TlsSettings): Promise<mysql.SslOptions> {
  const { ca, cert, key } = await readTlsFiles(tls);
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    rejectUnauthorized: tls.verify,
    verifyIdentity: tls.verify && tls.verifyHostname,
  };
}

/** The latest moment that a TIMESTAMP holds: rows that are there now are there then. */
const END_OF_TIME = '2038-01-19 03:14:07';

const COMMIT: Statement = { sql: 'COMMIT' };

interface Statement {
  readonly sql: string;
  readonly values?: unknown[];
}

/** A query that is asked again is not built again. */
const statements = new WeakMap<object, Statement>();

/** The statement with its values in it, as the driver would send it. */
function native(client: mysql.Connection, query: Select): Statement {
  const built = statements.get(query);
  if (built !== undefined) return built;
  const { sql, bindings } = query.toSQL().toNative();
  const statement = { sql: client.format(sql, [...bindings]) };
  statements.set(query, statement);
  return statement;
}

const connected = (client: mysql.Connection): Promise<void> =>
  new Promise((resolve, reject) => client.connect((error) => (error ? reject(error) : resolve())));

const ask = (client: mysql.Connection, statement: Statement): Promise<mysql.QueryResult> =>
  new Promise((resolve, reject) => {
    client.query(statement, (error: mysql.QueryError | null, result: mysql.QueryResult) =>
      error ? reject(error) : resolve(result),
    );
  });

const rowsOf = (result: mysql.QueryResult): readonly Row[] =>
  Array.isArray(result) ? (result as Row[]) : [];

/** mysql2 asks for CLIENT_FOUND_ROWS: rows that matched, not only those whose value changed. */
const matchedRows = (result: mysql.QueryResult): number =>
  'affectedRows' in result ? result.affectedRows : 0;

async function optionalVariables(client: mysql.Connection): Promise<ReadonlyMap<string, string>> {
  const result = await ask(client, {
    sql: 'SHOW VARIABLES WHERE variable_name IN (?)',
    values: [OPTIONAL_VARIABLES],
  });
  return new Map(rowsOf(result).map((row) => [String(row.Variable_name), String(row.Value)]));
}

function sessionSettings(optional: ReadonlyMap<string, string>, queryTimeoutMs: number): Statement {
  const limitS = Math.max(1, Math.ceil(queryTimeoutMs / 1000));
  const settings: [string, string | number][] = [
    ['sql_mode', 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'],
    ['time_zone', '+00:00'],
    ['autocommit', 1],
    ['innodb_lock_wait_timeout', limitS],
    ['lock_wait_timeout', limitS],
  ];
  // MariaDB counts in seconds, MySQL (for SELECTs only) in milliseconds.
  if (optional.has('max_statement_time')) settings.push(['max_statement_time', limitS]);
  if (optional.has('max_execution_time')) settings.push(['max_execution_time', queryTimeoutMs]);
  // MySQL 9 explains as a tree, which it cannot make of an INSERT into a view.
  if (optional.has('explain_format')) settings.push(['explain_format', 'TRADITIONAL']);
  // MariaDB: shows versioned tables as they were at a time, without a word. No value that can be set means now.
  if (!['DEFAULT', undefined].includes(optional.get('system_versioning_asof')))
    settings.push(['system_versioning_asof', END_OF_TIME]);
  const assignments = settings.map(([name]) => `SESSION ${name} = ?`);
  return { sql: `SET ${assignments.join(', ')}`, values: settings.map(([, value]) => value) };
}

function stateQueryFor(optional: ReadonlyMap<string, string>): Statement {
  const identity = ['server_uuid', 'server_uid'].find((name) => optional.has(name));
  return {
    sql: `SELECT @@global.read_only AS read_only, @@global.innodb_read_only AS innodb_read_only,
      concat_ws('/', @@hostname, @@port, @@server_id${identity ? `, @@global.${identity}` : ''}) AS identity`,
  };
}

async function begin(client: mysql.Connection, state: Statement, heartbeat: Statement | null): Promise<Row> {
  await ask(client, { sql: 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY' });
  const own = heartbeat === null ? '' : `, (${heartbeat.sql}) AS heartbeat`;
  return rowsOf(await ask(client, { sql: `${state.sql}${own} LIMIT 1` }))[0] ?? {};
}

/** A replica and a promoted replica are two servers to us: the role is part of the identity. */
function stateOf(row: Row, address: string): ServerState {
  const readOnly = [row.read_only, row.innodb_read_only].some((value) => !/^(0|OFF)$/.test(String(value)));
  return {
    identity: `${address} ${row.identity}/${readOnly ? 'read-only' : 'writable'}`,
    suspect: readOnly ? 'read-only' : null,
  };
}
