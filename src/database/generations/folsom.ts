import type { Generation, GenerationFile } from './generation.js';
import {
  decodePort,
  PLUGIN_NETWORK_HALVES,
  PLUGIN_PLACES,
  pluginSegment,
  portTermsById,
  QUANTUM_STATUS,
} from './quantum.js';

const NEEDS = {
  ports: ['id', 'network_id', 'admin_state_up', 'status'],
  networks: ['id'],
  network_bindings: ['network_id', 'physical_network', 'vlan_id'],
} as const;

const generation: Generation = {
  name: 'folsom',
  hasHosts: false,
  needs: NEEDS,
  readsToo: {},
  mustHaveRows: ['ports', 'network_bindings'],
  status: QUANTUM_STATUS,
  boundTo: () => null,
  heartbeat: null,
  forwarding: null,
  portTerms: portTermsById,
  selectPorts: (builder) =>
    builder('ports').select('ports.id', 'ports.network_id', 'ports.admin_state_up', 'ports.status'),
  decodePorts: (rows) =>
    rows.map((row) =>
      decodePort(row, {
        binding: { kind: 'unhosted' },
        pluggedByHypervisor: false,
        filterExpected: false,
        segment: null,
      }),
    ),
  networkHalves: PLUGIN_NETWORK_HALVES,
  lookups: [
    { table: 'ports', column: 'id' },
    { table: 'networks', column: 'id' },
    { table: 'network_bindings', column: 'network_id' },
  ],
  places: PLUGIN_PLACES,
  segmentOf: pluginSegment,
};

/** Folsom (2012.2): the LinuxBridge plugin's own bindings, and no host anywhere. */
export const folsom: GenerationFile = {
  name: 'folsom',
  marks: { network_bindings: [], ports: ['id'] },
  needs: () => NEEDS,
  optional: {},
  open: () => generation,
};
