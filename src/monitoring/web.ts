import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AgentStatus, ListenAddress } from '../model/index.js';

/** A scraper, some probes and a few open status pages: more is no one's we know, and must not cost the agent. */
const CONNECTIONS_MAX = 64;
/** A client that has not sent its request by then is cut off. */
const REQUEST_TIMEOUT_MS = 5_000;

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
export async function startWeb({ address, routes, onError, ...site }: WebOptions): Promise<Web> {
  const byPath = new Map(routes.map((route) => [route.path, route]));
  const server = createServer((request, response) => {
    dispatch(request, response, byPath, site).catch((error: unknown) => {
      onError(error);
      if (response.headersSent) response.destroy();
      else sendText(response, 500, 'this answer could not be made; the log of the agent says why\n');
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  await new Promise<void>((settle, fail) => {
    server.once('error', fail);
    server.listen(address.port, address.host ?? undefined, () => settle());
  });
  server.on('error', onError);
  return { address: textOf(server), close: () => closeAll(server) };
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
