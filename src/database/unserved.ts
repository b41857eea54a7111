import type { Knex } from 'knex';
import type { PortId } from '../model/ids.js';
import type { DatabaseSettings } from '../model/settings.js';
import { answered } from './connect.js';
import { databaseError, endpointOf } from './errors.js';
import { type Feature, featuresIn } from './features.js';
import { detectGeneration } from './generations/detect.js';
import { type Generation, missing, type Needs, type Schema } from './generations/generation.js';
import type { Trouble } from './troubles.js';
import { withSchema } from './with-schema.js';

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
  ...featuresIn(generation, schema).map(({ what, asks }) => ({
    what: `ports of this host ${what}`,
    query: portsOfHost(builder, host).where(asks(builder)),
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
 * What this port asks for that is not served. What this account may not read is not known, and left out.
 * Throws DatabaseError.
 */
export const unservedBy = (
  settings: DatabaseSettings,
  port: PortId,
): Promise<readonly Pick<Feature, 'code' | 'text'>[]> =>
  withSchema(settings, async (connection, schema) => {
    const { builder, server } = connection;
    const generation = detectGeneration(schema, endpointOf(server));
    const found: Pick<Feature, 'code' | 'text'>[] = [];
    for (const { code, text, asks } of featuresIn(generation, schema)) {
      const query = builder('ports').where('ports.id', port).where(asks(builder)).select('ports.id');
      const asking = answered(connection, settings.queryTimeoutMs, 'answer', connection.select(query));
      const rows = await asking.catch((error: unknown) => {
        if (databaseError(error, server).kind === 'permission') return [];
        throw error;
      });
      if (rows.length > 0) found.push({ code, text });
    }
    return found;
  });
