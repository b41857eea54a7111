import { DatabaseError } from '../model/database.js';
import type { DatabaseServer, DatabaseSettings } from '../model/settings.js';
import type { Connection } from './connection.js';
import { databaseError, endpointOf, isFault, tooLate, unresolved } from './errors.js';
import { within } from './limit.js';
import { isLookedUp } from './names.js';
import type { connectPostgresql } from './postgresql.js';

/** How long a good-bye to the server may take before the socket is cut. */
export const GOODBYE_LIMIT_MS = 1000;

type Limits = Pick<DatabaseSettings, 'connectTimeoutMs' | 'queryTimeoutMs'>;

/** What a signal is given that ends the attempts to connect. */
export const closing = (): DatabaseError =>
  new DatabaseError('unreachable', 'The connection to the database was closed while it was being made.');

/**
 * A connection that is ready for statements, within `connectTimeoutMs`, or until `signal` says that it is not wanted any
 * more. Throws DatabaseError.
 */
export async function connectTo(
  server: DatabaseServer,
  limits: Limits,
  signal?: AbortSignal,
): Promise<Connection> {
  signal?.throwIfAborted();
  const connect = await driverOf(server);
  let cut = (): void => {};
  const attempt = connect(server, limits.queryTimeoutMs, (destroy) => {
    cut = destroy;
  });
  try {
    return await within(
      limits.connectTimeoutMs,
      attempt,
      () =>
        isLookedUp(server.host)
          ? unresolved(server, limits.connectTimeoutMs)
          : tooLate(server, 'accept a connection', limits.connectTimeoutMs),
      signal,
    );
  } catch (error) {
    cut();
    throw databaseError(error, server);
  }
}

/** Only the driver that is needed is loaded: each costs 15 MiB, and a fifth of a start. */
const driverOf = async ({ engine }: DatabaseServer): Promise<typeof connectPostgresql> =>
  engine === 'postgresql'
    ? (await import('./postgresql.js')).connectPostgresql
    : (await import('./mysql.js')).connectMysql;

/**
 * The first server of the list that answers. Each is tried once, and none after `signal`; `onFailure` hears of every one that failed.
 * Throws DatabaseError: `unreachable` when any of them may yet come back by itself.
 */
export async function connectToFirst(
  settings: DatabaseSettings,
  onFailure: (server: string, error: DatabaseError) => void,
  signal?: AbortSignal,
): Promise<Connection> {
  const failures: DatabaseError[] = [];
  for (const server of settings.servers) {
    try {
      return await connectTo(server, settings, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const failure = databaseError(error, server);
      onFailure(endpointOf(server), failure);
      failures.push(failure);
    }
  }
  throw combined(failures);
}

/**
 * Waits for `work` on a connection, at most `limitMs`; then the connection is cut, whatever state the server
 * is in. `what` completes "the server did not …". Throws DatabaseError.
 */
export async function answered<T>(
  connection: Connection,
  limitMs: number,
  what: string,
  work: Promise<T>,
): Promise<T> {
  try {
    return await within(limitMs, work, () => {
      connection.cut();
      return tooLate(connection.server, what, limitMs);
    });
  } catch (error) {
    if (isFault(error)) connection.cut();
    throw databaseError(error, connection.server);
  }
}

/** Ends a connection politely where the server listens, and in any case soon. Never rejects. */
export async function disconnect(connection: Connection): Promise<void> {
  // A server that does not say good-bye is no failure of ours: the socket is cut either way.
  if (!connection.lost())
    await within(GOODBYE_LIMIT_MS, connection.end(), () => new Error('late')).catch(() => {});
  connection.cut();
}

function combined(failures: readonly DatabaseError[]): DatabaseError {
  const [first] = failures;
  if (first === undefined) return new DatabaseError('unreachable', 'No database server is configured.');
  if (failures.length === 1) return first;
  const kind = failures.some((failure) => failure.kind === 'unreachable') ? 'unreachable' : first.kind;
  return new DatabaseError(kind, failures.map((failure) => failure.message).join(' '), { cause: first });
}
