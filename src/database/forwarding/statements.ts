import type { Knex } from 'knex';
import type { TunnelQuestion } from '../../model/forwarding.js';
import type { Connection } from '../connection.js';
import { AGENT_TYPE } from '../generations/agents.js';
import { matching } from '../lookup.js';
import type { ForwardingSource } from './source.js';

type Builder = Pick<Connection, 'builder' | 'server'>;

/** Above so many, the agents of one type cost less than their hosts one by one: `agents` may have no index on the host. */
export const HOSTS_BY_NAME_MAX = 200;

const where = (
  { server }: Builder,
  query: Knex.QueryBuilder,
  column: string,
  values: readonly string[],
): Knex.QueryBuilder =>
  matching(
    query,
    values.map((equal) => ({ column, equal })),
    server.engine,
  );

/** A number that another set of bindings hardly has, from the index alone. */
const digest = ({ builder, server }: Builder, column: string, beside?: string): Knex.Raw =>
  server.engine === 'postgresql'
    ? beside === undefined
      ? builder.raw('sum(hashtext(??)::bigint) as digest', [column])
      : builder.raw('sum(hashtext(?? || ??)::bigint) as digest', [column, beside])
    : beside === undefined
      ? builder.raw('sum(crc32(??)) as digest', [column])
      : builder.raw('sum(crc32(concat(??, ??))) as digest', [column, beside]);

/**
 * How many bindings each segment has (or ports each network), and their digest: rows `asked`, `bound`, `digest`. What is
 * not among them has none.
 */
export function countBindings(
  connection: Builder,
  { bindings, countsBy }: ForwardingSource,
  keys: readonly string[],
): Knex.QueryBuilder {
  const { builder } = connection;
  const isBySegment = countsBy === 'segment';
  const [table, column] = isBySegment ? [bindings.table, bindings.segment] : ['ports', 'network_id'];
  const query = builder(table)
    .select(
      `${column} as asked`,
      builder.raw('count(*) as bound'),
      isBySegment ? digest(connection, 'port_id', 'host') : digest(connection, 'mac_address'),
    )
    .groupBy(column)
    // A limit of its own overrides that of MySQL's session, which would cut rows off in silence.
    .limit(keys.length + 1);
  return where(connection, query, column, keys);
}

/** The hosts of each segment: rows `segment_id`, `host`. `rowsMax`: how many bindings they have. */
export function hostsOfSegments(
  connection: Builder,
  { bindings, countsBy }: ForwardingSource,
  tunnels: readonly TunnelQuestion[],
  rowsMax: number,
): Knex.QueryBuilder {
  const { builder } = connection;
  const query = builder(`${bindings.table} as binding`)
    .distinct(`binding.${bindings.segment} as segment_id`, 'binding.host')
    .limit(rowsMax + 1);
  if (countsBy === 'segment')
    return where(
      connection,
      query,
      `binding.${bindings.segment}`,
      tunnels.map(({ segment }) => segment),
    );
  const networks = tunnels.map(({ network }) => network);
  if (connection.server.engine === 'mysql')
    return where(
      connection,
      query.join('ports', 'ports.id', 'binding.port_id'),
      'ports.network_id',
      networks,
    );
  // A join of more ports than a few hundred would walk all bindings: the planner takes a page from disk to be far more dear.
  const ports = where(connection, builder('ports').select('ports.id'), 'ports.network_id', networks);
  return query.whereRaw('binding.port_id = any(array(?))', [ports]);
}

/** Ports of routers that stand on several hosts, of which the binding names one. */
const STANDBY_OWNERS = [
  'network:ha_router_replicated_interface',
  'network:router_centralized_snat',
  'network:router_gateway',
];

/** Hosts that a standby of a network's router is on: rows `network_id`, `host`. */
export function standbysOfNetworks(
  connection: Builder,
  networks: readonly string[],
  rowsMax: number,
): Knex.QueryBuilder {
  const { builder } = connection;
  const query = builder('ports')
    .join('ha_router_agent_port_bindings as standby', 'standby.router_id', 'ports.device_id')
    .join('agents', 'agents.id', 'standby.l3_agent_id')
    .whereIn('ports.device_owner', STANDBY_OWNERS)
    .distinct('ports.network_id', 'agents.host')
    .limit(rowsMax);
  return where(connection, query, 'ports.network_id', networks);
}

/** The kinds of agents whose tunnels may be of type vxlan. */
const TUNNEL_AGENTS = [AGENT_TYPE, 'Open vSwitch agent'];

/** What agents say of the tunnels of these hosts, or of every host: rows `host`, `agent_type`, `configurations`. */
export function tunnelEnds(
  connection: Builder,
  hosts: readonly string[] | 'all',
  rowsMax: number,
): Knex.QueryBuilder {
  const query = connection
    .builder('agents')
    .select('agents.host', 'agents.agent_type', 'agents.configurations')
    .limit(rowsMax);
  return hosts === 'all'
    ? query.whereIn('agents.agent_type', TUNNEL_AGENTS)
    : where(connection, query, 'agents.host', hosts);
}

/** The networks that have these VNIs: rows `network_id`, `vni`. */
export const networksOfVnis = (
  { builder }: Builder,
  { segments }: ForwardingSource,
  vnis: readonly number[],
): Knex.QueryBuilder =>
  builder(segments)
    .where('network_type', 'vxlan')
    .whereIn('segmentation_id', [...vnis])
    .select('network_id', 'segmentation_id as vni')
    .limit(10 * vnis.length);
