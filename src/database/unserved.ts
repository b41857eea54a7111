import type { Knex } from 'knex';
import type { PortId } from '../model/ids.js';
import type { DatabaseSettings } from '../model/settings.js';
import { answered } from './connect.js';
import { databaseError, endpointOf } from './errors.js';
import { detectGeneration } from './generations/detect.js';
import { type Generation, missing, type Needs, type Schema } from './generations/generation.js';
import type { Trouble } from './troubles.js';
import { withSchema } from './with-schema.js';

/** What a port may ask a server of ML2 for and does not get from this agent. */
interface Feature extends Omit<Trouble, 'query'> {
  /** The same of one port, in a clause. */
  readonly text: string;
  readonly needs: Needs;
  /** Adds to a SELECT of ports which of them ask for it. */
  where(ports: Knex.QueryBuilder, builder: Knex): Knex.QueryBuilder;
}

const among =
  (table: string, column: string, of = 'ports.id') =>
  (ports: Knex.QueryBuilder, builder: Knex): Knex.QueryBuilder =>
    ports.whereIn(of, builder(table).select(column));

const FEATURES: readonly Feature[] = [
  {
    what: 'with a QoS policy: their traffic is not shaped',
    text: 'it has a QoS policy, and its traffic is not shaped',
    needs: { qos_port_policy_bindings: ['port_id'] },
    where: among('qos_port_policy_bindings', 'port_id'),
  },
  {
    what: 'on networks with a QoS policy: their traffic is not shaped',
    text: 'its network has a QoS policy, and its traffic is not shaped',
    needs: { qos_network_policy_bindings: ['network_id'] },
    where: among('qos_network_policy_bindings', 'network_id', 'ports.network_id'),
  },
  {
    what: 'that are the parents of trunks: their guests get no subports, and the trunks stay DOWN',
    text: 'it is the parent of a trunk, whose subports are not wired',
    needs: { trunks: ['port_id'] },
    where: among('trunks', 'port_id'),
  },
  {
    what: 'that are subports of trunks: they are not wired and stay DOWN',
    text: 'it is the subport of a trunk, and is not wired',
    needs: { subports: ['port_id'] },
    where: among('subports', 'port_id'),
  },
  {
    what: 'with allowed address pairs: nothing is filtered, so that every address is allowed',
    text: 'it has allowed address pairs, and nothing is filtered: every address is allowed',
    needs: { allowedaddresspairs: ['port_id'] },
    where: among('allowedaddresspairs', 'port_id'),
  },
  {
    what: 'on VLAN-transparent networks: frames of guests that are tagged are dropped all the same',
    text: 'its network is VLAN-transparent, and tagged frames are dropped all the same',
    needs: { networks: ['id', 'vlan_transparent'] },
    where: (ports, builder) =>
      ports.whereIn(
        'ports.network_id',
        builder('networks').where('vlan_transparent', true).select('networks.id'),
      ),
  },
  {
    what: 'of distributed routers (DVR): the LinuxBridge driver has none',
    text: 'it belongs to a distributed router (DVR), and the LinuxBridge driver has none',
    needs: {},
    where: (ports) => ports.where('ports.device_owner', 'network:router_interface_distributed'),
  },
];

/** The features of a database that has their tables; none before ML2. */
const featuresIn = ({ name }: Generation, schema: Schema): readonly Feature[] =>
  name === 'ml2' ? FEATURES.filter(({ needs }) => missing(schema, needs).length === 0) : [];

const portsOfHost = (builder: Knex, host: string): Knex.QueryBuilder =>
  builder('ports')
    .whereIn('ports.id', builder('ml2_port_bindings').where({ host }).select('port_id'))
    .select('ports.id');

/** The ports of this host that ask for what is not served, a SELECT each, and what else a server of ML2 has not done for it. */
export const unserved = (
  builder: Knex,
  generation: Generation,
  schema: Schema,
  host: string,
): readonly Trouble[] => [
  ...featuresIn(generation, schema).map(({ what, where }) => ({
    what: `ports of this host ${what}`,
    query: where(portsOfHost(builder, host), builder),
  })),
  ...(generation.name === 'ml2' ? [failedBindings(builder, host)] : []),
  ...(missing(schema, ROUTED).length === 0 ? [unmappedSegments(builder, host)] : []),
];

const failedBindings = (builder: Knex, host: string): Trouble => ({
  what: 'ports of this host whose binding failed: they are not wired until they are bound again',
  query: builder('ml2_port_bindings').where({ host, vif_type: 'binding_failed' }).select('port_id'),
});

const ROUTED: Needs = {
  segmenthostmappings: ['segment_id', 'host'],
  subnets: ['segment_id'],
  networksegments: ['id'],
};

/** A server fills the table from what Neutron's agents tell it, and when a segment is made. */
const unmappedSegments = (builder: Knex, host: string): Trouble => ({
  what: 'segments of routed networks without this host in segmenthostmappings: the server makes no port on them here',
  query: builder('networksegments')
    .whereIn('id', builder('subnets').whereNotNull('segment_id').select('segment_id'))
    .whereNotIn('id', builder('segmenthostmappings').where({ host }).select('segment_id'))
    .select('id'),
});

/**
 * What this port asks for that is not served, a clause each. What this account may not read is not known, and left out.
 * Throws DatabaseError.
 */
export const unservedBy = (settings: DatabaseSettings, port: PortId): Promise<readonly string[]> =>
  withSchema(settings, async (connection, schema) => {
    const { builder, server } = connection;
    const generation = detectGeneration(schema, endpointOf(server));
    const found: string[] = [];
    for (const { text, where } of featuresIn(generation, schema)) {
      const query = where(builder('ports').where('ports.id', port).select('ports.id'), builder);
      const asking = answered(connection, settings.queryTimeoutMs, 'answer', connection.select(query));
      const rows = await asking.catch((error: unknown) => {
        if (databaseError(error, server).kind === 'permission') return [];
        throw error;
      });
      if (rows.length > 0) found.push(text);
    }
    return found;
  });
