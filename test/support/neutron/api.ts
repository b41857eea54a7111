import { HANG_LIMIT_MS } from '../limit.js';

/** A port as the API tells it, as far as tests look. */
export interface ApiPort {
  readonly id: string;
  readonly network_id: string;
  readonly status: 'ACTIVE' | 'BUILD' | 'DOWN' | 'N/A';
  readonly admin_state_up: boolean;
  readonly revision_number: number;
  readonly 'binding:host_id': string;
  readonly 'binding:vif_type': string;
}

/** An agent as the API tells it. */
export interface ApiAgent {
  readonly id: string;
  readonly host: string;
  readonly alive: boolean;
  /** In whole seconds. */
  readonly started_at: string;
  readonly configurations: Readonly<Record<string, unknown>>;
}

type Body = Readonly<Record<string, unknown>>;

/** The Networking API, version 2.0, of a server that asks nobody who he is. Every call fails with what the server said. */
export interface Api {
  get<Answer = unknown>(path: string): Promise<Answer>;
  post<Answer = unknown>(path: string, body: Body): Promise<Answer>;
  put<Answer = unknown>(path: string, body?: Body): Promise<Answer>;
  remove(path: string): Promise<void>;
  agent(host: string): Promise<ApiAgent | undefined>;
  port(id: string): Promise<ApiPort>;
  makeNetwork(network?: Body): Promise<string>;
  makePort(port: Body): Promise<ApiPort>;
  updatePort(id: string, port: Body): Promise<ApiPort>;
}

const PROJECT = 'p';
const HEADERS = { 'X-Auth-Token': 'any', 'X-Project-Id': PROJECT, 'Content-Type': 'application/json' };

export function apiAt(port: number): Api {
  const call = async (method: string, path: string, body?: Body): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/v2.0/${path}`, {
      method,
      headers: HEADERS,
      signal: AbortSignal.timeout(HANG_LIMIT_MS),
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  };
  const asked = async <Answer>(method: string, path: string, body?: Body): Promise<Answer> =>
    JSON.parse(await call(method, path, body)) as Answer;
  const api: Api = {
    get: (path) => asked('GET', path),
    post: (path, body) => asked('POST', path, body),
    put: (path, body) => asked('PUT', path, body),
    remove: async (path) => void (await call('DELETE', path)),
    agent: async (host) => (await api.get<{ agents: ApiAgent[] }>(`agents?host=${host}`)).agents[0],
    port: async (id) => (await api.get<{ port: ApiPort }>(`ports/${id}`)).port,
    makeNetwork: async (network = { 'provider:network_type': 'local' }) => {
      const made = await api.post<{ network: { id: string } }>('networks', {
        network: { tenant_id: PROJECT, ...network },
      });
      return made.network.id;
    },
    makePort: async (port) =>
      (await api.post<{ port: ApiPort }>('ports', { port: { tenant_id: PROJECT, ...port } })).port,
    updatePort: async (id, port) => (await api.put<{ port: ApiPort }>(`ports/${id}`, { port })).port,
  };
  return api;
}
