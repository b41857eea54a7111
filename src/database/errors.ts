import { DatabaseError, type DatabaseErrorKind } from '../model/database.js';
import type { DatabaseServer } from '../model/settings.js';
import { errorCodeOf } from '../model/thrown.js';
import { withoutSecret } from './secret.js';

const byCode = <Code>(
  kinds: readonly (readonly [DatabaseErrorKind, readonly Code[]])[],
): ReadonlyMap<Code, DatabaseErrorKind> =>
  new Map(kinds.flatMap(([kind, codes]) => codes.map((code) => [code, kind] as const)));

/** SQLSTATEs of PostgreSQL; the first two characters are a class, looked up when the whole is not listed. */
const KIND_BY_SQLSTATE = byCode([
  ['authentication', ['28000', '28P01']],
  ['no-such-database', ['3D000']],
  ['permission', ['42501']],
  ['schema', ['42P01', '42703', '3F000']],
  // Shutting down, crashed, starting, the limit of connections, statement_timeout.
  ['unreachable', ['57P01', '57P02', '57P03', '57014', '53300', '08']],
]);

/** MySQL tells an account without any right to a database the same, whether the database is there or not. */
const NO_RIGHT_TO_DATABASE_MYSQL_NUMBER = 1044;

/** Error numbers of MySQL and MariaDB. */
const KIND_BY_MYSQL_NUMBER = byCode([
  ['authentication', [1045, 1130, 1251, 1698, 1820, 1862, 3118, 3955, 4151]],
  ['no-such-database', [NO_RIGHT_TO_DATABASE_MYSQL_NUMBER, 1049]],
  ['permission', [1142, 1143, 1227]],
  ['schema', [1054, 1146, 1412, 1932]],
  ['tls', [3159]],
  // Too many connections (of all, of one account), WSREP not ready, shutting down, blocked host, a commit that the cluster
  // did not take, time limits, killed, offline mode.
  [
    'unreachable',
    [1040, 1047, 1053, 1129, 1180, 1203, 1205, 1226, 1317, 1927, 1969, 3024, 3032, 3101, 3169, 4031],
  ],
]);

const DUPLICATE_SQLSTATE = '23505';
const DUPLICATE_MYSQL_NUMBER = 1062;
const READ_ONLY_SQLSTATE = '25006';
const READ_ONLY_MYSQL_NUMBERS: readonly number[] = [1290, 1792, 1836];
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|HANDSHAKE_|EPROTO$)/;
const NAME_CODE = /^(ENOTFOUND|EAI_|ESERVFAIL|ENODATA)/;
const FORBIDDEN_CODE = /^(EACCES|EPERM)$/;
const NETWORK_CODE = /^(E[A-Z]+|PROTOCOL_[A-Z_]+)$/;
const DROPPED = /connection (terminated|lost|ended)|closed state|not queryable|read timeout/i;
/** The driver refuses to answer a challenge without a password. */
const PASSWORD_TEXT = /^SASL: .*password/;
const SSL_TEXT = /\bSSL\b|secure connection/;
/** The routine of PostgreSQL's refusal where row security is on: its SQLSTATE is that of any missing right, and its text is translated. */
const ROW_SECURITY_ROUTINE = 'check_enable_rls';
/** PgBouncer's words; their SQLSTATE is that of any breach of the protocol. */
const NO_TRANSACTIONS_TEXT = /transaction blocks not allowed in statement pooling/;
const TEXT_LENGTH_MAX = 300;

/** What a driver's error says, whichever driver it is from. */
interface DriverError {
  readonly text: string;
  readonly code: string;
  /** MySQL's error number; null for PostgreSQL and for errors of the system. */
  readonly mysqlNumber: number | null;
  /** PostgreSQL's function that refused; empty for all others. */
  readonly routine: string;
}

/** How messages name a server: engine, place and database, never the password. */
export function endpointOf(server: DatabaseServer): string {
  const engine = server.engine === 'postgresql' ? 'PostgreSQL' : 'MySQL';
  return `${engine} at ${addressOf(server)}, database "${server.database}"`;
}

/** Where a server is: the socket (PostgreSQL's is named after a port), or host and port. */
export function addressOf({ engine, host, port, socketPath }: DatabaseServer): string {
  if (socketPath === null) return `${host ?? 'localhost'}:${port ?? (engine === 'postgresql' ? 5432 : 3306)}`;
  return engine === 'postgresql' && port !== null ? `${socketPath}:${port}` : socketPath;
}

/**
 * The one error type of this room, from whatever a driver threw: kind and one sentence that says what
 * happened to what. `server` is the one concerned; its password is masked in the driver's words. A fault of this program
 * is none of the database's and is thrown on.
 */
export function databaseError(error: unknown, server: DatabaseServer): DatabaseError {
  if (error instanceof DatabaseError) return error;
  if (isFault(error)) throw error;
  const driver = driverError(error, server);
  if (driver.code === READ_ONLY_SQLSTATE || isReadOnlyNumber(driver.mysqlNumber)) {
    return new DatabaseError(
      'query',
      `${endpointOf(server)} is read-only, so nothing can be written there; reading goes on (${driver.text}).`,
      { cause: error },
    );
  }
  const kind = kindOf(driver, server);
  return new DatabaseError(kind, sentence(kind, driver, server), { cause: error });
}

const FAULTS = [TypeError, RangeError, ReferenceError];
/** What Node and the drivers throw of these kinds, for settings that cannot be used, carries a code. */
export const isFault = (error: unknown): boolean =>
  FAULTS.some((kind) => error instanceof kind) && errorCodeOf(error) === null;

/** Whether a driver's error says that a row with this key is there already. */
export function isDuplicate(error: unknown): boolean {
  const fields = typeof error === 'object' && error !== null ? error : {};
  return (
    ('code' in fields && fields.code === DUPLICATE_SQLSTATE) ||
    ('errno' in fields && fields.errno === DUPLICATE_MYSQL_NUMBER)
  );
}

/** Whether PostgreSQL has refused to write in a transaction that is read-only. */
export const isReadOnly = (error: unknown): boolean => errorCodeOf(error) === READ_ONLY_SQLSTATE;

/** A limit ran out: `what` was not done in `limitMs`. */
export const tooLate = (server: DatabaseServer, what: string, limitMs: number): DatabaseError =>
  new DatabaseError('unreachable', `${endpointOf(server)} did not ${what} within ${limitMs} ms.`);

/** The name service has not answered in `limitMs`. */
export const unresolved = (server: DatabaseServer, limitMs: number): DatabaseError =>
  new DatabaseError(
    'name-resolution',
    `${endpointOf(server)}: the host name "${server.host}" was not resolved within ${limitMs} ms.`,
  );

const isReadOnlyNumber = (number: number | null): boolean =>
  number !== null && READ_ONLY_MYSQL_NUMBERS.includes(number);

function driverError(error: unknown, server: DatabaseServer): DriverError {
  const fields = typeof error === 'object' && error !== null ? error : {};
  const code = 'code' in fields && typeof fields.code === 'string' ? fields.code : '';
  const number = 'errno' in fields && typeof fields.errno === 'number' ? fields.errno : null;
  const message = error instanceof Error ? error.message || code : String(error);
  // Node numbers its own errors below zero; only MySQL's are above.
  const mysqlNumber = number !== null && number > 0 ? number : null;
  const routine = 'routine' in fields && typeof fields.routine === 'string' ? fields.routine : '';
  return { routine, text: asOneLine(withoutSecret(message, passwordToMask(server))), code, mysqlNumber };
}

/** The password that must not be shown. Its file may have gone meanwhile: then the failure in hand is still the one to tell. */
function passwordToMask(server: DatabaseServer): string | null {
  try {
    return server.password();
  } catch {
    return null;
  }
}

function asOneLine(text: string): string {
  const line = text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .replace(/\.$/, '');
  return line.length > TEXT_LENGTH_MAX ? `${line.slice(0, TEXT_LENGTH_MAX)}…` : line;
}

function kindOf(driver: DriverError, { socketPath }: DatabaseServer): DatabaseErrorKind {
  const { code, text, mysqlNumber, routine } = driver;
  if (mysqlNumber !== null) return KIND_BY_MYSQL_NUMBER.get(mysqlNumber) ?? 'query';
  if (routine === ROW_SECURITY_ROUTINE) return 'rows-hidden';
  if (NO_TRANSACTIONS_TEXT.test(text)) return 'no-transactions';
  if (/^[0-9A-Z]{5}$/.test(code) && /[0-9]/.test(code)) {
    return KIND_BY_SQLSTATE.get(code) ?? KIND_BY_SQLSTATE.get(code.slice(0, 2)) ?? 'query';
  }
  if (PASSWORD_TEXT.test(text)) return 'authentication';
  if (TLS_CODE.test(code) || SSL_TEXT.test(text)) return 'tls';
  if (NAME_CODE.test(code)) return 'name-resolution';
  if (socketPath !== null && FORBIDDEN_CODE.test(code)) return 'socket-forbidden';
  if (NETWORK_CODE.test(code) || DROPPED.test(text)) return 'unreachable';
  return 'query';
}

function sentence(
  kind: DatabaseErrorKind,
  { text, mysqlNumber }: DriverError,
  server: DatabaseServer,
): string {
  const endpoint = endpointOf(server);
  switch (kind) {
    case 'authentication':
      return `${endpoint} does not let user "${server.user}" in: ${text}.`;
    case 'no-such-database':
      return mysqlNumber === NO_RIGHT_TO_DATABASE_MYSQL_NUMBER
        ? `${endpoint}: there is no such database, or user "${server.user}" has no right to it: ${text}.`
        : `${endpoint}: there is no such database.`;
    case 'socket-forbidden':
      return `${endpoint}: this user may not use its socket: ${text}.`;
    case 'tls':
      return `${endpoint}: TLS failed: ${text}.`;
    case 'name-resolution':
      return `${endpoint}: the host name "${server.host}" cannot be resolved: ${text}.`;
    case 'unreachable':
      return `${endpoint} does not answer: ${text}.`;
    case 'permission':
      return `${endpoint}: user "${server.user}" lacks a right: ${text}.`;
    case 'no-transactions':
      return `${endpoint} is behind a connection pooler that gives no transactions: ${text}.`;
    case 'rows-hidden':
      return `${endpoint} has rows that user "${server.user}" may not see: ${text}.`;
    case 'schema':
      return `${endpoint} is not as it was found before: ${text}; the schema is looked at again at the next read.`;
    case 'query':
      return `${endpoint} refused a statement: ${text}.`;
  }
}
