import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import type { AgentStatus, ListenAddress } from '../model/index.js';

/** A scraper, some probes and a few open status pages: more is no one's we know, and must not cost the agent. */
const CONNECTIONS_MAX = 64;
/** Of those that have not sent a request yet: of more the oldest one goes, so that they keep nobody away. */
const SILENT_MAX = 32;
/** A client that has not sent its request by then is cut off. */
const REQUEST_TIMEOUT_MS = 5_000;
/** So is one that takes nothing of its answer for so long; a stream has something for it every two seconds. */
const UNREAD_TIMEOUT_MS = 10_000;

const LIMITS = {
  // Answers wait for one another where requests come in one go, and each holds a page.
  maxRequestsPerSocket: 1,
  maxConnections: CONNECTIONS_MAX,
  headersTimeout: REQUEST_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  timeout: UNREAD_TIMEOUT_MS,
} as const;
/** Node looks for clients whose time is up only so often. */
const CHECK_INTERVAL_MS = 1_000;

/** What a route may read of the agent. */
export interface Site {
  /** How the agent sees the host now; made for each call. */
  status(): AgentStatus;
  /** Calls the listener after each pass and each change of the database's state; gives what takes it off. */
  onChange(listener: () => void): () => void;
}

/** One path of the web server. Only GET and HEAD reach it; Node itself drops the body of an answer to HEAD. */
export interface Route {
  /** The whole path, without query. */
  readonly path: string;
  /** Answers, and ends the response, at once or (server-sent events) when the client goes away. */
  handle(request: IncomingMessage, response: ServerResponse, site: Site): void | Promise<void>;
}

export interface WebOptions extends Site {
  readonly address: ListenAddress;
  /** Names under which browsers may ask, besides `localhost` and every address. */
  readonly hostNames: readonly string[];
  readonly routes: readonly Route[];
  /** Told of a route that threw: a fault of this program, which costs that one answer only. */
  readonly onError: (error: unknown) => void;
}

export interface Web {
  /** `host:port` as it really is, also when port 0 was asked for. */
  readonly address: string;
  /** Stops listening and ends every open connection. */
  close(): Promise<void>;
}

/**
 * Serves the routes on one address. Reading only: nothing that a browser can be made to send changes the host.
 * Throws what listening throws (EADDRINUSE, EACCES, EADDRNOTAVAIL).
 */
export async function startWeb(options: WebOptions): Promise<Web> {
  const { address, routes, onError, hostNames, ...site } = options;
  const byPath = new Map(routes.map((route) => [route.path, route]));
  const names = new Set(['localhost', ...hostNames].map((name) => name.toLowerCase()));
  const server = createServer({ connectionsCheckingInterval: CHECK_INTERVAL_MS }, (request, response) => {
    // A client that has had its one answer would stay for seconds and take the place of a probe.
    response.setHeader('Connection', 'close');
    if (!isOurs(request.headers.host, names)) {
      sendText(response, 421, 'this name is not known here; web_host_names lists the names of this server\n');
      return;
    }
    dispatch(request, response, byPath, site).catch((error: unknown) => {
      onError(error);
      if (response.headersSent) response.destroy();
      else sendText(response, 500, 'this answer could not be made; the log of the agent says why\n');
    });
  });
  Object.assign(server, LIMITS);
  endOldestSilent(server);
  await new Promise<void>((settle, fail) => {
    server.once('error', fail);
    server.listen(address.port, address.host ?? undefined, () => settle());
  });
  server.on('error', onError);
  return { address: textOf(server), close: () => closeAll(server) };
}

/** A connection speaks from its request on, and has only that one. */
function endOldestSilent(server: Server): void {
  const silent = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    const [oldest] = silent;
    if (silent.size >= SILENT_MAX) oldest?.destroy();
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage) => silent.delete(socket));
}

/**
 * Whether a request was meant for this server. A foreign page can give its own name the address of this server, and then
 * read what it answers; an address it cannot take. No browser leaves the name out.
 */
function isOurs(header: string | undefined, names: ReadonlySet<string>): boolean {
  if (header === undefined || header === '') return true;
  const name = header
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return isIP(name) !== 0 || names.has(name);
}

async function dispatch(
  request: IncomingMessage,
  response: ServerResponse,
  byPath: ReadonlyMap<string, Route>,
  site: Site,
): Promise<void> {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Cache-Control', 'no-store');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    sendText(response, 405, 'only GET and HEAD are served here\n');
    return;
  }
  const path = request.url?.split('?', 1)[0] ?? '/';
  const route = byPath.get(path);
  if (route === undefined) sendText(response, 404, `there is ${[...byPath.keys()].join(', ')}\n`);
  else await route.handle(request, response, site);
}

/** Ends the response with plain text. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(text);
}

function textOf(server: Server): string {
  const { family, address, port } = server.address() as AddressInfo;
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

const closeAll = (server: Server): Promise<void> =>
  new Promise((settle) => {
    server.close(() => settle());
    server.closeAllConnections();
  });
