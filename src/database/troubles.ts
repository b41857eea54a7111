import type { Knex } from 'knex';
import { ID_PREFIX_LENGTH } from '../model/names.js';
import type { Generation } from './generations/generation.js';

/** Rows that the agent will not serve, or not as meant, and the statement that shows them. */
export interface Trouble {
  readonly what: string;
  readonly query: Knex.QueryBuilder;
}

const VLAN_ID_MAX = 4094;

/** Each kind of row to look for in this generation. `known` are the physical networks mapped on this host. */
export function troubles(
  builder: Knex,
  generation: Generation,
  known: readonly string[],
): readonly Trouble[] {
  return [...portTroubles(builder, generation), ...segmentTroubles(builder, generation, known)];
}

function portTroubles(builder: Knex, { places: { port, segment } }: Generation): readonly Trouble[] {
  const prefix = builder.raw('left(??, ?)', [port.id, builder.raw(String(ID_PREFIX_LENGTH))]);
  return [
    {
      what: 'ports whose network has no binding: they are not wired',
      query: builder('ports')
        .leftJoin(segment.table, `${segment.table}.${segment.network}`, `ports.${port.network}`)
        .whereNull(`${segment.table}.${segment.network}`)
        .select(`ports.${port.id}`),
    },
    {
      what: 'ports without network or admin state: they are not served',
      query: builder('ports').whereNull(port.network).orWhereNull(port.adminState).select(port.id),
    },
    {
      what: 'ports that share the 11 characters their taps are named after',
      query: builder('ports').select(prefix).groupBy(prefix).having(builder.raw('count(*)'), '>', 1),
    },
  ];
}

function segmentTroubles(
  builder: Knex,
  { places: { segment } }: Generation,
  known: readonly string[],
): readonly Trouble[] {
  const { table, network, vlan, physicalNetwork } = segment;
  const wire = physicalNetwork === null ? [vlan] : [physicalNetwork, vlan];
  const physical = (name: string): readonly Trouble[] => [
    {
      what: 'flat and VLAN networks without a physical network: their ports are not wired',
      query: segment.onlyWired(builder(table).whereNull(name).select(network)),
    },
    {
      what: 'physical networks that are not mapped on this host',
      query: segment.onlyWired(builder(table).whereNotIn(name, known).distinct(name)),
    },
  ];
  return [
    {
      what: `networks with a VLAN id outside 1..${VLAN_ID_MAX}: their ports are not wired`,
      query: segment.onlyVlan(builder(table)).whereNotBetween(vlan, [1, VLAN_ID_MAX]).select(network, vlan),
    },
    {
      what: 'VLANs that two networks ask for: only one of them works',
      query: segment
        .onlyVlan(builder(table))
        .select(wire)
        .groupBy(wire)
        .having(builder.raw('count(distinct ??)', [network]), '>', 1),
    },
    ...(physicalNetwork === null ? [] : physical(physicalNetwork)),
  ];
}
