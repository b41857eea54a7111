import { isIP } from 'node:net';
import type { Knex } from 'knex';
import { DatabaseError } from '../model/database.js';
import type { DatabaseSettings } from '../model/settings.js';
import { answered } from './connect.js';
import type { Connection, Row } from './connection.js';
import { endpointOf } from './errors.js';
import { printedAddress } from './forwarding/tunnel-end.js';
import { AGENT_TYPE } from './generations/agents.js';
import { detectGeneration } from './generations/detect.js';
import { type GenerationName, has, type Schema } from './generations/generation.js';
import { boolean, integer, text } from './generations/values.js';
import { withSchema } from './with-schema.js';

/** When a server of the generation takes an agent for dead; ML2 binds no port to a dead one. */
const LATE_AFTER_S = { grizzly: 5, ml2: 75 } as const;
/** A table with more rows than this holds no agents of one cloud. */
const ROWS_MAX = 100_000;
/** The name, the number or address, and some white space between. */
const TOLD_LENGTH = 80;

/** What the database says about one host. */
export interface FleetHost {
  readonly host: string;
  /**
   * `late`: its heartbeat is older than a server of its generation waits; `never-reported`: its row has no heartbeat;
   * `no-agent`: ports are bound to it, but no agent ever reported itself from there.
   */
  readonly state: 'alive' | 'late' | 'never-reported' | 'no-agent';
  /** By the clock of the database; negative when the host's clock is ahead. */
  readonly heartbeatAgeS: number | null;
  readonly upForS: number | null;
  /** False: an administrator has switched the agent off for the scheduler. */
  readonly adminUp: boolean | null;
  /** As the agent last told. */
  readonly devices: number | null;
  /** Where its tunnels end, as the agent last told; null: it has none. */
  readonly endpoint: string | null;
  /** Other hosts whose tunnels end at the same address, as only one of them can. */
  readonly sharesEndpointWith: readonly string[];
  /** Ports that are bound to the host, by their status; `binding_failed` where that is what ML2 made of them. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface Fleet {
  readonly generation: GenerationName;
  readonly lateAfterS: number;
  /** There are more rows than were read: hosts, or counts of ports, are missing. */
  readonly isCut: boolean;
  /** Hosts that need somebody come first, then by name. */
  readonly hosts: readonly FleetHost[];
}

/**
 * Reads what every agent reported last and how many ports are bound to each host. One statement each; the second reads
 * the whole table of bindings, which has no index on the host. Changes nothing and ends the connection. Throws
 * DatabaseError: `schema` when the generation has no agents, or their table cannot be seen.
 */
export function readFleet(settings: DatabaseSettings): Promise<Fleet> {
  return withSchema(settings, async (connection, schema) => {
    const generation = generationWithAgents(connection, schema);
    const ask = (query: Knex.QueryBuilder): Promise<readonly Row[]> =>
      answered(connection, settings.queryTimeoutMs, 'answer', connection.select(query));
    const agents = await ask(agentsOf(connection));
    const ports = await ask(generation === 'grizzly' ? grizzlyPorts(connection) : ml2Ports(connection));
    const lateAfterS = LATE_AFTER_S[generation];
    const isCut = [agents, ports].some(({ length }) => length >= ROWS_MAX);
    return { generation, lateAfterS, isCut, hosts: hostsOf(agents, ports, lateAfterS) };
  });
}

function generationWithAgents({ server }: Connection, schema: Schema): 'grizzly' | 'ml2' {
  const endpoint = endpointOf(server);
  const { name } = detectGeneration(schema, endpoint);
  if (name !== 'grizzly' && name !== 'ml2') {
    throw new DatabaseError(
      'schema',
      `${endpoint} is of the ${name} generation, in which agents do not report themselves: there is no fleet to show before Grizzly.`,
    );
  }
  if (!has(schema, 'agents', 'heartbeat_timestamp')) {
    throw new DatabaseError(
      'schema',
      `${endpoint} has no table agents, or this account may not see it: run fleet as an account that may SELECT from it.`,
    );
  }
  return name;
}

/** Ages are the server's own arithmetic, so that neither time zones nor the clock of this machine matter. */
function agentsOf({ builder, server }: Connection): Knex.QueryBuilder {
  const age = (column: string): string =>
    server.engine === 'postgresql'
      ? `floor(extract(epoch from timezone('utc', clock_timestamp()) - ${column}))`
      : `timestampdiff(second, ${column}, utc_timestamp())`;
  // All that agents tell of themselves, of a large cloud, is more than the memory of this program.
  const told = (name: string): string =>
    server.engine === 'postgresql'
      ? `substr(configurations, strpos(configurations, '"${name}"'), ${TOLD_LENGTH})`
      : `substr(configurations, locate('"${name}"', configurations), ${TOLD_LENGTH})`;
  return builder('agents')
    .select('host', 'admin_state_up')
    .select(builder.raw(`${told('devices')} as devices`))
    .select(builder.raw(`${told('tunneling_ip')} as endpoint`))
    .select(builder.raw(`${age('heartbeat_timestamp')} as heartbeat_age`))
    .select(builder.raw(`${age('started_at')} as up_for`))
    .where('agent_type', AGENT_TYPE)
    .limit(ROWS_MAX);
}

const grizzlyPorts = ({ builder }: Connection): Knex.QueryBuilder =>
  builder('portbindingports as binding')
    .join('ports', 'ports.id', 'binding.port_id')
    .select('binding.host', 'ports.status as status')
    .count('* as ports')
    .groupBy('binding.host', 'ports.status')
    .limit(ROWS_MAX);

/** `binding_failed` is what becomes of ports whose host had no living agent. Other drivers' ports are not counted. */
const ml2Ports = ({ builder }: Connection): Knex.QueryBuilder => {
  const status = "case when binding.vif_type = 'bridge' then ports.status else binding.vif_type end";
  return builder('ml2_port_bindings as binding')
    .join('ports', 'ports.id', 'binding.port_id')
    .select('binding.host', builder.raw(`${status} as status`))
    .count('* as ports')
    .whereIn('binding.vif_type', ['bridge', 'binding_failed'])
    .groupBy('binding.host', builder.raw(status))
    .limit(ROWS_MAX);
};

function hostsOf(agents: readonly Row[], ports: readonly Row[], lateAfterS: number): readonly FleetHost[] {
  const portsByHost = new Map<string, Record<string, number>>();
  for (const row of ports) {
    const host = text(row.host);
    if (!host) continue;
    const counts = portsByHost.get(host) ?? {};
    counts[text(row.status) ?? 'NULL'] = integer(row.ports) ?? 0;
    portsByHost.set(host, counts);
  }
  const reporting = withSharers(agents.map((row) => reportingHost(row, portsByHost, lateAfterS)));
  const known = new Set(reporting.map(({ host }) => host));
  const silent = [...portsByHost]
    .filter(([host]) => !known.has(host))
    .map(([host, counts]): FleetHost => ({ ...NOTHING_REPORTED, host, ports: counts }));
  return [...reporting, ...silent].sort(
    (a, b) => Number(a.state === 'alive') - Number(b.state === 'alive') || compare(a.host, b.host),
  );
}

/** `compute-9` before `compute-10`. */
const { compare } = new Intl.Collator('en', { numeric: true });

const NOTHING_REPORTED = {
  state: 'no-agent',
  heartbeatAgeS: null,
  upForS: null,
  adminUp: null,
  devices: null,
  endpoint: null,
  sharesEndpointWith: [],
} as const;

/** Tells each host who else claims its endpoint. */
function withSharers(hosts: readonly FleetHost[]): readonly FleetHost[] {
  const byEndpoint = new Map<string, string[]>();
  for (const { host, endpoint } of hosts) {
    if (endpoint !== null) byEndpoint.set(endpoint, [...(byEndpoint.get(endpoint) ?? []), host]);
  }
  return hosts.map((one) => {
    const sharing = one.endpoint === null ? [] : (byEndpoint.get(one.endpoint) ?? []);
    return sharing.length < 2
      ? one
      : { ...one, sharesEndpointWith: sharing.filter((host) => host !== one.host) };
  });
}

function reportingHost(
  row: Row,
  portsByHost: ReadonlyMap<string, Record<string, number>>,
  lateAfterS: number,
): FleetHost {
  const host = text(row.host) ?? '';
  const heartbeatAgeS = integer(row.heartbeat_age);
  return {
    host,
    state: heartbeatAgeS === null ? 'never-reported' : heartbeatAgeS > lateAfterS ? 'late' : 'alive',
    heartbeatAgeS,
    upForS: integer(row.up_for),
    adminUp: boolean(row.admin_state_up),
    devices: devicesOf(text(row.devices)),
    endpoint: endpointToldIn(text(row.endpoint)),
    sharesEndpointWith: [],
    ports: portsByHost.get(host) ?? {},
  };
}

/** Of the configuration, which is whatever JSON an agent wrote; what cannot be read tells nothing. */
function devicesOf(json: string | null): number | null {
  const found = /"devices"\s*:\s*(\d{1,9})\b/.exec(json ?? '')?.[1];
  return found === undefined ? null : Number(found);
}

/** Of the same: an address; a host without tunnels tells an empty text. */
function endpointToldIn(json: string | null): string | null {
  const found = /"tunneling_ip"\s*:\s*"([\da-fA-F.:]{1,45})"/.exec(json ?? '')?.[1];
  return found === undefined || isIP(found) === 0 ? null : printedAddress(found);
}
