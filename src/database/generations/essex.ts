import type { TapQuestion } from '../../model/database.js';
import { networkId, portId } from '../../model/ids.js';
import { ESSEX_PHYSICAL_NETWORK, ID_PREFIX_LENGTH, isGatewayName, isUsableId } from '../../model/names.js';
import type { Row } from '../connection.js';
import type { Term } from '../lookup.js';
import { columnsOf, type DecodedPort, type Generation, type GenerationFile } from './generation.js';
import { portProblem, vlanSegment } from './quantum.js';
import { shown, text } from './values.js';

const NEEDS = {
  ports: ['uuid', 'network_id', 'interface_id', 'state', 'op_status'],
  networks: ['uuid'],
  vlan_bindings: ['vlan_id', 'network_id'],
} as const;

const generation: Generation = {
  name: 'essex',
  hasHosts: false,
  needs: NEEDS,
  readsToo: {},
  mustHaveRows: ['ports', 'vlan_bindings'],
  status: { table: 'ports', id: 'uuid', column: 'op_status' },
  boundTo: () => null,
  heartbeat: null,
  forwarding: null,
  portTerms: (taps) => taps.flatMap(termsOf),
  selectPorts: (builder) => builder('ports').select(columnsOf('ports', NEEDS.ports)),
  decodePorts: (rows) => rows.map(decode),
  networkHalves: [
    {
      column: 'networks.uuid',
      select: (builder) =>
        builder('networks').select(
          'networks.uuid as network_id',
          builder.raw('1 as is_network'),
          builder.raw('null as mtu'),
          builder.raw('0 as vlan_id'),
        ),
    },
    {
      column: 'vlan_bindings.network_id',
      select: (builder) =>
        builder('vlan_bindings').select(
          'vlan_bindings.network_id',
          builder.raw('0 as is_network'),
          builder.raw('null as mtu'),
          'vlan_bindings.vlan_id',
        ),
    },
  ],
  lookups: [
    { table: 'ports', column: 'uuid' },
    { table: 'ports', column: 'interface_id' },
    { table: 'networks', column: 'uuid' },
    { table: 'vlan_bindings', column: 'network_id' },
  ],
  places: {
    port: { id: 'uuid', network: 'network_id', adminState: 'state' },
    segment: {
      table: 'vlan_bindings',
      network: 'network_id',
      vlan: 'vlan_id',
      physicalNetwork: null,
      onlyVlan: (query) => query,
      onlyWired: (query) => query,
    },
  },
  // Essex knows one physical network: the interface that the configuration names.
  segmentOf: (row) => vlanSegment(ESSEX_PHYSICAL_NETWORK, row.vlan_id, 'vlan_id'),
};

/** A known port is found by its key; a tap by `interface_id`, which Essex never gave an index. */
function termsOf(tap: TapQuestion): readonly Term[] {
  if (tap.by === 'id') return isUsableId(tap.id) ? [{ column: 'ports.uuid', equal: tap.id }] : [];
  const wanted = tap.by === 'device' ? tap.device : tap.suffix;
  if (!isUsableId(wanted)) return [];
  return tap.by === 'suffix' && wanted.length === ID_PREFIX_LENGTH
    ? [{ column: 'ports.interface_id', prefix: wanted }]
    : [{ column: 'ports.interface_id', equal: wanted }];
}

function decode(row: Row): DecodedPort {
  const id = text(row.uuid) ?? '';
  // A port that is not plugged has none; no device is ever called so.
  const interfaceId = text(row.interface_id) ?? '';
  const deviceName = isGatewayName(interfaceId) ? interfaceId : null;
  const network = text(row.network_id);
  const state = text(row.state);
  const problem = portProblem(id, network, state === null ? `state ${shown(state)}` : null);
  if (problem !== null || network === null)
    return { ok: false, id, interfaceId, deviceName, problem: problem ?? '' };
  const port = {
    id: portId(id),
    interfaceId,
    deviceName,
    networkId: networkId(network),
    adminUp: state === 'ACTIVE',
    status: text(row.op_status),
    statusWords: { active: 'UP', down: 'DOWN' },
    binding: { kind: 'unhosted' },
    pluggedByHypervisor: false,
    filterExpected: false,
    segment: null,
  } as const;
  return { ok: true, port };
}

/** Essex (2012.1): taps are named after `interface_id`, every network is a VLAN on the one interface. */
export const essex: GenerationFile = {
  name: 'essex',
  marks: { vlan_bindings: [], ports: ['uuid'] },
  needs: () => NEEDS,
  optional: {},
  open: () => generation,
};
