import type { Binding } from '../../model/port.js';
import type { Row } from '../connection.js';
import { heartbeatFacts } from './agents.js';
import { columnsOf, type Generation, type GenerationFile } from './generation.js';
import {
  boundElsewhere,
  decodePort,
  isPluggedByHypervisor,
  PLUGIN_NETWORK_HALVES,
  PLUGIN_PLACES,
  pluginSegment,
  portTermsById,
  QUANTUM_STATUS,
  selectBound,
} from './quantum.js';
import { text } from './values.js';

const NEEDS = {
  ports: ['id', 'network_id', 'admin_state_up', 'status', 'device_owner'],
  portbindingports: ['port_id', 'host'],
  networks: ['id'],
  network_bindings: ['network_id', 'physical_network', 'vlan_id'],
} as const;

/** A server of Grizzly takes an agent for dead after five seconds. */
const HEARTBEAT = { binary: 'quantum-linuxbridge-agent', intervalMs: 4_000 };

const generation: Omit<Generation, 'heartbeat'> = {
  name: 'grizzly',
  hasHosts: true,
  forwarding: null,
  needs: NEEDS,
  readsToo: {},
  mustHaveRows: ['ports', 'network_bindings'],
  status: QUANTUM_STATUS,
  boundTo: (builder, host) => selectBound(builder, 'portbindingports', host),
  portTerms: portTermsById,
  selectPorts: (builder) =>
    builder('ports')
      .leftJoin('portbindingports', 'portbindingports.port_id', 'ports.id')
      .select(columnsOf('ports', NEEDS.ports))
      .select('portbindingports.host'),
  decodePorts: (rows, host) =>
    rows.map((row) =>
      decodePort(row, {
        binding: bindingOf(row, host),
        pluggedByHypervisor: isPluggedByHypervisor(row),
        filterExpected: false,
        segment: null,
      }),
    ),
  networkHalves: PLUGIN_NETWORK_HALVES,
  lookups: [
    { table: 'ports', column: 'id' },
    { table: 'networks', column: 'id' },
    { table: 'network_bindings', column: 'network_id' },
    { table: 'portbindingports', column: 'port_id' },
  ],
  places: PLUGIN_PLACES,
  segmentOf: pluginSegment,
};

function bindingOf(row: Row, host: string): Binding {
  const bound = text(row.host);
  if (!bound) return { kind: 'unhosted' };
  return bound === host ? { kind: 'here' } : boundElsewhere(row, bound);
}

/** Grizzly and Havana (2013.1, 2013.2) with the LinuxBridge plugin: Folsom plus a host for each port. */
export const grizzly: GenerationFile = {
  name: 'grizzly',
  marks: { network_bindings: [], portbindingports: [], ports: ['id'] },
  needs: () => NEEDS,
  optional: {},
  open: (schema) => ({ ...generation, heartbeat: heartbeatFacts(schema, HEARTBEAT) }),
};
