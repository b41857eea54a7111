import type { DatabaseServer, TlsSettings } from '../model/settings.js';
import { duration, type Format, invalid, type Parsed, valid } from './formats.js';
import { mysqlTls, type Options, postgresqlTls, TLS_OPTIONS } from './tls-options.js';

type Engine = DatabaseServer['engine'];
/** Where one server listens. `socketPath` is a file for MySQL and a folder for PostgreSQL, as in their own clients. */
export type Endpoint = Pick<DatabaseServer, 'host' | 'port' | 'socketPath'>;

/** One SQLAlchemy URL, read. Holds the password in clear: never print it, print `display`. */
export interface DatabaseUrl {
  readonly engine: Engine;
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  readonly user: string;
  readonly password: string | null;
  readonly database: string;
  readonly tls: TlsSettings | null;
  /** MySQL's `server_public_key_path`. */
  readonly publicKeyFile: string | null;
  readonly connectTimeoutMs: number | null;
  /** Names of options that mean nothing to this agent. */
  readonly unknownOptions: readonly string[];
  /** The URL again, without any secret. */
  readonly display: string;
}

/** SQLAlchemy's names of dialects and drivers, as found in the files of all generations. */
const ENGINES: Readonly<Record<string, Engine>> = {
  mysql: 'mysql',
  'mysql+mysqldb': 'mysql',
  'mysql+pymysql': 'mysql',
  mariadb: 'mysql',
  'mariadb+mysqldb': 'mysql',
  'mariadb+pymysql': 'mysql',
  postgresql: 'postgresql',
  postgres: 'postgresql',
  'postgresql+psycopg2': 'postgresql',
  'postgresql+psycopg': 'postgresql',
};

/** Options with a meaning here, besides those of TLS; the last four are about Python's drivers and change nothing. */
const OPTIONS = [
  'unix_socket',
  'server_public_key_path',
  'host',
  'port',
  'connect_timeout',
  'charset',
  'use_unicode',
  'client_encoding',
  'application_name',
];

/** Where Debian's libpq looks when a URL names no host. */
const POSTGRESQL_SOCKET_FOLDER = '/var/run/postgresql';
const URL_FORM = 'mysql://user:password@host/database or postgresql://user:password@host/database';

/** One URL or several, tried in order: separated by commas or white space. */
export const databaseUrls: Format<readonly DatabaseUrl[]> = {
  placeholder: 'URL',
  expects: `Write ${URL_FORM}, with special characters of the password percent-encoded`,
  parse(text) {
    const found: DatabaseUrl[] = [];
    // A comma may also stand in a password or between the hosts of one URL: it separates only before a scheme.
    for (const part of text.trim().split(/[\s,]+(?=[a-z][a-z0-9+]*:\/\/)/i)) {
      const url = parseDatabaseUrl(part);
      if (!url.ok) return url;
      found.push(url.value);
    }
    return valid(found);
  },
  shown: (urls) => urls.map(({ display }) => display).join(', '),
};

/**
 * Reads one SQLAlchemy URL, `scheme://user:password@host[:port][,host…]/database[?option=value&…]`. The password may
 * hold any character unencoded, as SQLAlchemy allowed for years: the last `@` ends it. What is wrong is said without
 * a fragment of the text, since a misread fragment may be part of the password.
 */
export function parseDatabaseUrl(text: string): Parsed<DatabaseUrl> {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+]{0,30}):\/\/(.*)$/is.exec(text) ?? [];
  if (scheme === '') return invalid('is not the URL of a database');
  if (/\p{Cc}/u.test(text)) return invalid('holds a line end or another control character');
  if (/^sqlite/i.test(scheme))
    return invalid(
      'names SQLite, a file that hosts cannot share: this agent reads the database that all hosts share',
    );
  const engine = ENGINES[scheme.toLowerCase()];
  if (engine === undefined) return invalid(`begins with ${scheme}://, which is neither MySQL nor PostgreSQL`);

  const { credentials, hosts, database, query } = split(rest);
  const [, user = '', password] = /^([^:]*)(?::(.*))?$/s.exec(credentials ?? '') ?? [];
  if (user === '') return invalid('names no user');
  if (database === null || database === '') return invalid('names no database');
  const options = new URLSearchParams(query);
  const endpoints = readEndpoints(engine, hosts, options);
  if (!endpoints.ok) return endpoints;
  const read = readOptions(engine, options);
  if (!read.ok) return read;
  return valid({
    engine,
    endpoints: endpoints.value,
    user: decode(user),
    password: password === undefined ? null : decode(password),
    database: decode(database),
    ...read.value,
    display: `${scheme}://${user}${password === undefined ? '' : ':***'}@${hosts}/${database}${maskedQuery(options, read.value)}`,
  });
}

interface Split {
  readonly credentials: string | null;
  readonly hosts: string;
  readonly database: string | null;
  readonly query: string;
}

/**
 * Cuts what follows `scheme://`. A `?` begins the options only where a server and a database stand before it and
 * `name=value` pairs after it; any other `?` belongs to the password.
 */
function split(rest: string): Split {
  const whole = splitFront(rest);
  for (let mark = rest.indexOf('?'); mark >= 0; mark = rest.indexOf('?', mark + 1)) {
    const front = splitFront(rest.slice(0, mark));
    const query = rest.slice(mark + 1);
    const serverStands =
      front.database !== null && (front.credentials !== null || whole.credentials === null);
    if (serverStands && /^([\w.-]+=[^&]*(&|$))*$/.test(query)) return { ...front, query };
  }
  return { ...whole, query: '' };
}

function splitFront(front: string): Omit<Split, 'query'> {
  const at = front.lastIndexOf('@');
  const server = front.slice(at + 1);
  const slash = server.indexOf('/');
  return {
    credentials: at < 0 ? null : front.slice(0, at),
    hosts: slash < 0 ? server : server.slice(0, slash),
    database: slash < 0 ? null : server.slice(slash + 1),
  };
}

/** The servers of one URL: its hosts, or those of `host=`, or the socket it names, or the engine's usual place. */
function readEndpoints(
  engine: Engine,
  hosts: string,
  options: URLSearchParams,
): Parsed<readonly [Endpoint, ...Endpoint[]]> {
  const written: Endpoint[] = [];
  for (const part of hosts.split(',')) {
    const endpoint = readEndpoint(part);
    if (!endpoint.ok) return endpoint;
    written.push(endpoint.value);
  }
  const ports = readPorts(options);
  if (!ports.ok) return ports;
  const port = written[0]?.port ?? ports.value[0] ?? null;
  const socketPath = engine === 'mysql' ? options.get('unix_socket') : null;
  if (socketPath) return valid([{ host: null, port, socketPath }]);
  const named: Endpoint[] = [];
  for (const [at, part] of (engine === 'postgresql' ? listOf(options, 'host') : []).entries()) {
    const endpoint = readEndpoint(part);
    if (!endpoint.ok) return endpoint;
    named.push({ ...endpoint.value, port: endpoint.value.port ?? ports.value[at] ?? port });
  }
  const listed = named.length > 0 ? named : written;
  const [first, ...others] = listed.map((each) => ({ ...each, port: each.port ?? ports.value[0] ?? null }));
  if (others.length === 0 && (first === undefined || (first.host === null && first.socketPath === null)))
    return valid([
      engine === 'mysql'
        ? { host: 'localhost', port, socketPath: null }
        : { host: null, port, socketPath: POSTGRESQL_SOCKET_FOLDER },
    ]);
  const everyone = [...(first === undefined ? [] : [first]), ...others];
  if (everyone.some((endpoint) => endpoint.host === null && endpoint.socketPath === null))
    return invalid('has an empty name in its list of hosts');
  return first === undefined ? invalid('names no host') : valid([first, ...others]);
}

const listOf = (options: URLSearchParams, name: string): readonly string[] =>
  options.getAll(name).flatMap((list) => list.split(','));

/** The ports of `port=`: one for every host, or one for each host of `host=`. */
function readPorts(options: URLSearchParams): Parsed<readonly number[]> {
  const ports: number[] = [];
  for (const text of listOf(options, 'port')) {
    const port = readPort(text);
    if (!port.ok) return port;
    if (port.value !== null) ports.push(port.value);
  }
  return valid(ports);
}

function readPort(text: string | undefined): Parsed<number | null> {
  if (!text) return valid(null);
  const port = /^\d+$/.test(text) ? Number(text) : 0;
  return port < 1 || port > 65535 ? invalid('has a port that is not between 1 and 65535') : valid(port);
}

/** A host or an `[ipv6]` address, or a socket's folder (`/…`, also percent-encoded), with `:port` or without; empty: nobody is named. */
function readEndpoint(part: string): Parsed<Endpoint> {
  const [, folder = '', folderPort] = /^(.*?)(?::(\d*))?$/.exec(part) ?? [];
  const isFolder = decode(folder).startsWith('/');
  const [, ipv6, name, hostPort] = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]\s]*))(?::(\d*))?$/i.exec(part) ?? [];
  if (!isFolder && ipv6 === undefined && name === undefined)
    return invalid('has a host or port that cannot be read (an IPv6 address stands in [brackets])');
  const port = readPort(isFolder ? folderPort : hostPort);
  if (!port.ok) return port;
  if (isFolder) return valid({ host: null, port: port.value, socketPath: decode(folder) });
  return valid({ host: ipv6 ?? (decode(name ?? '') || null), port: port.value, socketPath: null });
}

type OptionValues = Pick<DatabaseUrl, 'tls' | 'publicKeyFile' | 'connectTimeoutMs' | 'unknownOptions'>;

function readOptions(engine: Engine, parameters: URLSearchParams): Parsed<OptionValues> {
  const options = firstOfEach(parameters);
  const known = [...OPTIONS, ...TLS_OPTIONS[engine]];
  const unknownOptions = [...options.keys()].filter((name) => !known.includes(name));
  const unknownTls = unknownOptions.find((name) => name.startsWith('ssl'));
  if (unknownTls !== undefined)
    return invalid(
      `has the option ${unknownTls}, which is not one of ${TLS_OPTIONS[engine].join(', ')}; leaving it out could weaken the connection`,
    );
  const tls = engine === 'mysql' ? mysqlTls(options) : postgresqlTls(options);
  if (!tls.ok) return tls;
  const timeout = options.get('connect_timeout');
  const connectTimeout = timeout === undefined ? valid(null) : CONNECT_TIMEOUT.parse(timeout);
  if (!connectTimeout.ok) return invalid(`has a connect_timeout that ${connectTimeout.wrong}`);
  return valid({
    tls: tls.value,
    publicKeyFile: options.get('server_public_key_path') ?? null,
    connectTimeoutMs: connectTimeout.value,
    unknownOptions,
  });
}

const firstOfEach = (parameters: URLSearchParams): Options =>
  new Map([...new Set(parameters.keys())].map((name) => [name, parameters.get(name) ?? '']));

export const CONNECT_TIMEOUT = duration(10, 3_600_000);

/** Known options are no secrets; of the others (`password=` may be among them) only the name is shown. */
function maskedQuery(options: URLSearchParams, read: OptionValues): string {
  const shown = [...options].map(
    ([name, value]) => `${name}=${read.unknownOptions.includes(name) ? '***' : value}`,
  );
  return shown.length === 0 ? '' : `?${shown.join('&')}`;
}

/** Percent-decoding that keeps what is no valid escape, as Python's `unquote` does: `100%` stays `100%`. */
function decode(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      // Not UTF-8: no character can stand for it, so the escape itself is the value.
      return escapes;
    }
  });
}
