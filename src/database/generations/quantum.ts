import type { Knex } from 'knex';
import type { TapQuestion } from '../../model/database.js';
import { networkId, physicalNetwork, portId } from '../../model/ids.js';
import { ID_PREFIX_LENGTH, isUsableId } from '../../model/names.js';
import type { Binding, Port, Segment } from '../../model/port.js';
import type { Row } from '../connection.js';
import type { Term } from '../lookup.js';
import type { DecodedPort, NetworkHalf, Places } from './generation.js';
import { boolean, integer, readable, shown, text } from './values.js';

/**
 * What Folsom and every later generation share: ports by id, boolean admin state, ACTIVE and DOWN; and what
 * the LinuxBridge plugin's own generations (Folsom, Grizzly) share: one binding a network in
 * `network_bindings`.
 */

/** The plugin's markers in `network_bindings.vlan_id`. */
const FLAT_VLAN_ID = -1;
const LOCAL_VLAN_ID = -2;
const VLAN_ID_MAX = 4094;

const STATUS_WORDS = { active: 'ACTIVE', down: 'DOWN' } as const;
export const QUANTUM_STATUS = { table: 'ports', id: 'id', column: 'status' } as const;

/** The tap is named after `ports.id`, so both kinds of question are lookups on the primary key. */
export function portTermsById(taps: readonly TapQuestion[]): readonly Term[] {
  return taps.flatMap((tap): Term[] => {
    if (tap.by === 'device') return [];
    const wanted = tap.by === 'id' ? tap.id : tap.suffix;
    if (!isUsableId(wanted)) return [];
    return tap.by === 'suffix' && wanted.length === ID_PREFIX_LENGTH
      ? [{ column: 'ports.id', prefix: wanted }]
      : [{ column: 'ports.id', equal: wanted }];
  });
}

/** What a generation adds to the columns that all port rows have. */
export type PortExtras = Pick<Port, 'binding' | 'pluggedByHypervisor' | 'filterExpected' | 'segment'>;

/** A row with `id, network_id, admin_state_up, status` and what the generation says beyond. */
export function decodePort(row: Row, extras: PortExtras): DecodedPort {
  const id = text(row.id) ?? '';
  const network = text(row.network_id);
  const adminUp = boolean(row.admin_state_up);
  const problem = portProblem(
    id,
    network,
    adminUp === null ? `admin_state_up ${shown(row.admin_state_up)}` : null,
  );
  if (problem !== null || network === null || adminUp === null) {
    return { ok: false, id, interfaceId: id, deviceName: null, problem: problem ?? '' };
  }
  const port = {
    id: portId(id),
    interfaceId: id,
    deviceName: null,
    networkId: networkId(network),
    adminUp,
    status: text(row.status),
    statusWords: STATUS_WORDS,
    ...extras,
  };
  return { ok: true, port };
}

/** Why a port row cannot be used, in one clause; null: it can. `state` is what is wrong with its admin state. */
export function portProblem(id: string, network: string | null, state: string | null): string | null {
  if (!isUsableId(id)) return `its id ${shown(id)} cannot be part of a device name`;
  if (network === null) return 'its network_id is NULL';
  if (!isUsableId(network)) return `its network_id ${shown(network)} cannot be part of a device name`;
  return state === null ? null : `its ${state} tells no admin state`;
}

/** libvirt plugs the taps of virtual machines itself (Grizzly or later, where `device_owner` says so). */
export const isPluggedByHypervisor = (row: Row): boolean =>
  text(row.device_owner)?.startsWith('compute:') === true;

/** A router's or a DHCP server's (Grizzly or later, as above). */
export const isOfService = (row: Row): boolean => text(row.device_owner)?.startsWith('network:') === true;

/** A port that is bound to another host than this one (Grizzly or later, where `device_owner` says whose it is). */
export const boundElsewhere = (row: Row, host: string): Binding => ({
  kind: isOfService(row) ? 'standby' : 'elsewhere',
  host: readable(host),
});

/** The rows of a table of bindings that bind the row of `ports` that an UPDATE looks at to a host. */
export const selectBound = (builder: Knex, table: string, host: string): Knex.QueryBuilder =>
  builder(`${table} as bound`)
    .select(builder.raw('1'))
    .whereRaw('?? = ??', ['bound.port_id', 'ports.id'])
    .where('bound.host', host);

export const QUANTUM_PORT = { id: 'id', network: 'network_id', adminState: 'admin_state_up' } as const;

export const PLUGIN_PLACES: Places = {
  port: QUANTUM_PORT,
  segment: {
    table: 'network_bindings',
    network: 'network_id',
    vlan: 'vlan_id',
    physicalNetwork: 'physical_network',
    onlyVlan: (query) => query.whereNotIn('vlan_id', [FLAT_VLAN_ID, LOCAL_VLAN_ID]),
    onlyWired: (query) => query.whereNot('vlan_id', LOCAL_VLAN_ID),
  },
};

/** Networks, and the plugin's one binding for each. */
export const PLUGIN_NETWORK_HALVES: readonly [NetworkHalf, NetworkHalf] = [
  {
    column: 'networks.id',
    select: (builder) =>
      builder('networks').select(
        'networks.id as network_id',
        builder.raw('1 as is_network'),
        builder.raw('null as mtu'),
        builder.raw('null as physical_network'),
        builder.raw('0 as vlan_id'),
      ),
  },
  {
    column: 'network_bindings.network_id',
    select: (builder) =>
      builder('network_bindings').select(
        'network_bindings.network_id',
        builder.raw('0 as is_network'),
        builder.raw('null as mtu'),
        'network_bindings.physical_network',
        'network_bindings.vlan_id',
      ),
  },
];

/** -1 is flat, -2 local, 1..4094 a VLAN; anything else costs that network only. */
export function pluginSegment(row: Row): Segment {
  const vlanId = integer(row.vlan_id);
  if (vlanId === LOCAL_VLAN_ID) return { kind: 'local' };
  if (vlanId === FLAT_VLAN_ID) return flatSegment(row.physical_network);
  return vlanSegment(row.physical_network, row.vlan_id, 'vlan_id');
}

/** A flat network on the physical network that a column holds. */
export function flatSegment(physical: unknown): Segment {
  const name = text(physical);
  return name
    ? { kind: 'flat', physicalNetwork: physicalNetwork(readable(name)) }
    : physicalNetworkMissing('flat', physical);
}

/** A VLAN on the physical network; `column` names where the VLAN id came from. */
export function vlanSegment(physical: unknown, vlan: unknown, column: string): Segment {
  const vlanId = integer(vlan);
  if (vlanId === null || vlanId < 1 || vlanId > VLAN_ID_MAX) {
    return { kind: 'bad', code: 'VLAN_ID_INVALID', problem: `${column} is ${shown(vlan)}` };
  }
  const name = text(physical);
  if (!name) return physicalNetworkMissing('VLAN', physical);
  return { kind: 'vlan', physicalNetwork: physicalNetwork(readable(name)), vlanId };
}

const physicalNetworkMissing = (kind: string, physical: unknown): Segment => ({
  kind: 'bad',
  code: 'PHYSICAL_NETWORK_MISSING',
  problem: `physical_network is ${text(physical) === null ? 'NULL' : 'empty'} on a ${kind} network`,
});
