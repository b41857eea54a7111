import type { DatabaseSettings } from '../model/settings.js';
import { answered } from './connect.js';
import { endpointOf } from './errors.js';
import { detectGeneration } from './generations/detect.js';
import { has } from './generations/generation.js';
import { integer, text } from './generations/values.js';
import { withSchema } from './with-schema.js';

/** Physical networks have some ten names. */
const ROWS_MAX = 10_000;

/** The largest MTU that networks of one kind, on one physical network, have in the whole cloud. */
export interface NetworkMtu {
  readonly type: string;
  readonly physicalNetwork: string | null;
  readonly mtu: number;
}

/** For who asks once: all networks are looked at. Empty where the schema has no MTU. Throws DatabaseError. */
export const networkMtus = (settings: DatabaseSettings): Promise<readonly NetworkMtu[]> =>
  withSchema(settings, async (connection, schema) => {
    if (!has(schema, 'networks', 'mtu')) return [];
    const { table, network } = detectGeneration(schema, endpointOf(connection.server)).places.segment;
    const rows = connection
      .builder(table)
      .join('networks', 'networks.id', `${table}.${network}`)
      .whereNotNull('networks.mtu')
      .groupBy(`${table}.network_type`, `${table}.physical_network`)
      .select(`${table}.network_type`, `${table}.physical_network`)
      .max('networks.mtu as mtu')
      .limit(ROWS_MAX);
    const asked = connection.select(rows);
    return (await answered(connection, settings.queryTimeoutMs, 'answer', asked)).flatMap((row) => {
      const [type, mtu] = [text(row.network_type), integer(row.mtu)];
      return type === null || mtu === null
        ? []
        : [{ type, physicalNetwork: text(row.physical_network), mtu }];
    });
  });
