import type { Knex } from 'knex';
import type { WarningCode } from '../model/warning.js';
import { type Generation, missing, type Needs, type Schema } from './generations/generation.js';

/** What a port may ask a server of ML2 for and does not get from this agent. */
export interface Feature {
  /** Features of one kind share it. */
  readonly code: Extract<
    WarningCode,
    | 'QOS_NOT_SERVED'
    | 'TRUNK_NOT_SERVED'
    | 'ADDRESS_PAIRS_NOT_ENFORCED'
    | 'VLAN_TRANSPARENCY_NOT_SERVED'
    | 'DVR_NOT_SERVED'
  >;
  /** Completes "ports of this host". */
  readonly what: string;
  /** What one such port misses, in a clause. */
  readonly text: string;
  readonly needs: Needs;
  /** The condition under which a row of `ports` asks for it. */
  asks(builder: Knex): Knex.Raw;
}

const rowIn =
  (table: string, column: string, of = 'ports.id') =>
  (builder: Knex): Knex.Raw =>
    builder.raw('exists ?', [
      builder(table)
        .select(builder.raw('1'))
        .whereRaw('?? = ??', [`${table}.${column}`, of]),
    ]);

const FEATURES: readonly Feature[] = [
  {
    code: 'QOS_NOT_SERVED',
    what: 'with a QoS policy: their traffic is not shaped',
    text: 'it has a QoS policy, and its traffic is not shaped',
    needs: { qos_port_policy_bindings: ['port_id'] },
    asks: rowIn('qos_port_policy_bindings', 'port_id'),
  },
  {
    code: 'QOS_NOT_SERVED',
    what: 'on networks with a QoS policy: their traffic is not shaped',
    text: 'its network has a QoS policy, and its traffic is not shaped',
    needs: { qos_network_policy_bindings: ['network_id'] },
    asks: rowIn('qos_network_policy_bindings', 'network_id', 'ports.network_id'),
  },
  {
    code: 'TRUNK_NOT_SERVED',
    what: 'that are the parents of trunks: their guests get no subports, and the trunks stay DOWN',
    text: 'it is the parent of a trunk, whose subports are not wired',
    needs: { trunks: ['port_id'] },
    asks: rowIn('trunks', 'port_id'),
  },
  {
    code: 'TRUNK_NOT_SERVED',
    what: 'that are subports of trunks: they are not wired and stay DOWN',
    text: 'it is the subport of a trunk, and is not wired',
    needs: { subports: ['port_id'] },
    asks: rowIn('subports', 'port_id'),
  },
  {
    code: 'ADDRESS_PAIRS_NOT_ENFORCED',
    what: 'with allowed address pairs: nothing is filtered, so that every address is allowed',
    text: 'it has allowed address pairs, and nothing is filtered: every address is allowed',
    needs: { allowedaddresspairs: ['port_id'] },
    asks: rowIn('allowedaddresspairs', 'port_id'),
  },
  {
    code: 'VLAN_TRANSPARENCY_NOT_SERVED',
    what: 'on VLAN-transparent networks: frames of guests that are tagged are dropped all the same',
    text: 'its network is VLAN-transparent, and tagged frames are dropped all the same',
    needs: { networks: ['id', 'vlan_transparent'] },
    asks: (builder) =>
      builder.raw('exists ?', [
        builder('networks')
          .select(builder.raw('1'))
          .whereRaw('networks.id = ports.network_id')
          .where('networks.vlan_transparent', true),
      ]),
  },
  {
    code: 'DVR_NOT_SERVED',
    what: 'of distributed routers (DVR): the LinuxBridge driver has none',
    text: 'it belongs to a distributed router (DVR), and the LinuxBridge driver has none',
    needs: {},
    asks: (builder) => builder.raw("ports.device_owner = 'network:router_interface_distributed'"),
  },
];

/** Tables that are read for this alone. */
export const FEATURE_TABLES: Needs = Object.assign(
  {},
  ...FEATURES.map(({ needs }) => needs).filter(({ networks }) => networks === undefined),
);

/** The features of a database that has their tables; none before ML2. */
export const featuresIn = ({ name }: Pick<Generation, 'name'>, schema: Schema): readonly Feature[] =>
  name === 'ml2' ? FEATURES.filter(({ needs }) => missing(schema, needs).length === 0) : [];
