import type { Knex } from 'knex';
import type { Binding, Segment } from '../../model/port.js';
import type { Row } from '../connection.js';
import { FEATURE_TABLES } from '../features.js';
import { forwardingTables } from '../forwarding/tables.js';
import { heartbeatFacts } from './agents.js';
import {
  type DecodedPort,
  type Generation,
  type GenerationFile,
  has,
  missing,
  type Needs,
  type Schema,
} from './generation.js';
import {
  boundElsewhere,
  decodePort,
  flatSegment,
  isOfService,
  isPluggedByHypervisor,
  portTermsById,
  QUANTUM_PORT,
  QUANTUM_STATUS,
  selectBound,
  vlanSegment,
} from './quantum.js';
import { boolean, integer, readable, shown, text } from './values.js';

/** What this agent's driver writes into `vif_type`; another value means another driver, or none. */
const OWN_VIF_TYPE = 'bridge';

const VNI_MAX = 0xffffff;

/** A server of ML2 binds no port to a host whose agent has been silent for 75 seconds. */
const HEARTBEAT = { binary: 'neutron-linuxbridge-agent', intervalMs: 30_000 };

/** Ports without a row are as with one that says yes. */
const PORT_SECURITY = 'portsecuritybindings';
const PORT_SECURITY_TABLE: Needs = { [PORT_SECURITY]: ['port_id', 'port_security_enabled'] };

/** Where ML2's releases differ, by what is there. */
interface Variant {
  /** `networksegments`; before Newton `ml2_network_segments`. */
  readonly segmentsTable: string;
  /** Which segment a binding uses: rows by level (Kilo on), or a column of the binding. */
  readonly segmentBy: 'levels' | 'column' | 'nothing';
  /** Bindings have a status: INACTIVE is the destination of a live migration. */
  readonly hasBindingStatus: boolean;
  readonly hasMtu: boolean;
  /** What Nova is told of a binding (Icehouse on), and which ports want no filter, if this account may read that. */
  readonly hasVifDetails: boolean;
  readonly hasPortSecurity: boolean;
}

function variantOf(schema: Schema): Variant {
  const column = has(schema, 'ml2_port_bindings', 'segment') ? 'column' : 'nothing';
  const older = has(schema, 'ml2_network_segments') && !has(schema, 'networksegments');
  return {
    segmentsTable: older ? 'ml2_network_segments' : 'networksegments',
    segmentBy: has(schema, 'ml2_port_binding_levels') ? 'levels' : column,
    hasBindingStatus: has(schema, 'ml2_port_bindings', 'status'),
    hasMtu: has(schema, 'networks', 'mtu'),
    hasVifDetails: has(schema, 'ml2_port_bindings', 'vif_details'),
    hasPortSecurity: has(schema, PORT_SECURITY, 'port_security_enabled'),
  };
}

function needsOf(schema: Schema): Needs {
  const { segmentsTable, segmentBy } = variantOf(schema);
  const levels = { ml2_port_binding_levels: ['port_id', 'host', 'level', 'segment_id'] };
  return {
    ports: ['id', 'network_id', 'admin_state_up', 'status', 'device_owner'],
    ml2_port_bindings: ['port_id', 'host', 'vif_type'],
    ...(segmentBy === 'levels' && levels),
    networks: ['id'],
    [segmentsTable]: ['id', 'network_id', 'network_type', 'physical_network', 'segmentation_id'],
  };
}

function open(schema: Schema): Generation {
  const variant = variantOf(schema);
  return {
    name: 'ml2',
    hasHosts: true,
    needs: needsOf(schema),
    readsToo: readsToo(schema, variant),
    mustHaveRows: ['ports', variant.segmentsTable],
    status: QUANTUM_STATUS,
    boundTo: (builder, host, whose) => boundTo(builder, host, whose, variant),
    heartbeat: heartbeatFacts(schema, HEARTBEAT),
    forwarding: forwardingTables(schema, variant),
    portTerms: portTermsById,
    selectPorts: (builder) => selectPorts(builder, variant),
    decodePorts,
    networkHalves: networkHalves(variant),
    lookups: lookupsOf(variant),
    places: {
      port: QUANTUM_PORT,
      segment: {
        table: variant.segmentsTable,
        network: 'network_id',
        vlan: 'segmentation_id',
        physicalNetwork: 'physical_network',
        onlyVlan: (query) => query.where('network_type', 'vlan'),
        onlyWired: (query) => query.whereIn('network_type', ['vlan', 'flat']),
      },
    },
    segmentOf,
  };
}

function readsToo(schema: Schema, { hasVifDetails, hasPortSecurity }: Variant): Needs {
  const features = Object.entries(FEATURE_TABLES).filter(
    ([table, columns]) => missing(schema, { [table]: columns }).length === 0,
  );
  return {
    ...(hasVifDetails && hasPortSecurity && PORT_SECURITY_TABLE),
    ...Object.fromEntries(features),
  };
}

function lookupsOf({ segmentsTable, segmentBy }: Variant): Generation['lookups'] {
  const levels = [{ table: 'ml2_port_binding_levels', column: 'port_id' }];
  return [
    { table: 'ports', column: 'id' },
    { table: 'ml2_port_bindings', column: 'port_id' },
    ...(segmentBy === 'levels' ? levels : []),
    { table: 'networks', column: 'id' },
    { table: segmentsTable, column: 'id' },
    { table: segmentsTable, column: 'network_id' },
  ];
}

function networkHalves(variant: Variant): Generation['networkHalves'] {
  return [
    {
      column: 'networks.id',
      select: (builder) =>
        builder('networks').select(
          'networks.id as network_id',
          builder.raw('1 as is_network'),
          variant.hasMtu ? 'networks.mtu' : builder.raw('null as mtu'),
          builder.raw('null as network_type'),
          builder.raw('null as physical_network'),
          builder.raw('null as segmentation_id'),
          builder.raw('null as segment_id'),
        ),
    },
    {
      column: 'segments.network_id',
      select: (builder) =>
        builder(`${variant.segmentsTable} as segments`).select(
          'segments.network_id',
          builder.raw('0 as is_network'),
          builder.raw('null as mtu'),
          'segments.network_type',
          'segments.physical_network',
          'segments.segmentation_id',
          'segments.id as segment_id',
        ),
    },
  ];
}

/** One row for each port, binding (host) and level; `decodePorts` puts them together again. */
function selectPorts(builder: Knex, variant: Variant): Knex.QueryBuilder {
  const query = builder('ports')
    .leftJoin('ml2_port_bindings as binding', 'binding.port_id', 'ports.id')
    .select(
      'ports.id',
      'ports.network_id',
      'ports.admin_state_up',
      'ports.status',
      'ports.device_owner',
      'binding.host as binding_host',
      'binding.vif_type',
    );
  if (variant.hasBindingStatus) query.select('binding.status as binding_status');
  if (variant.hasVifDetails) selectFilterExpected(query, builder, variant);
  if (variant.segmentBy === 'nothing') return query;
  query.select('segment.network_type', 'segment.physical_network', 'segment.segmentation_id');
  const segments = `${variant.segmentsTable} as segment`;
  if (variant.segmentBy === 'column') return query.leftJoin(segments, 'segment.id', 'binding.segment');
  return query
    .leftJoin('ml2_port_binding_levels as level', (on) =>
      on.on('level.port_id', 'binding.port_id').on('level.host', 'binding.host'),
    )
    .leftJoin(segments, 'segment.id', 'level.segment_id')
    .select('level.level');
}

/**
 * `port_filter` is the driver's constant: true for ports without port security as well. The server's own answer is one
 * flag a row: its texts would be read and compared with every poll.
 */
function selectFilterExpected(query: Knex.QueryBuilder, builder: Knex, { hasPortSecurity }: Variant): void {
  const isTold = 'binding.vif_details like ?';
  const isWanted = '(security.port_security_enabled is null or security.port_security_enabled)';
  query.select(
    builder.raw(`(${isTold}${hasPortSecurity ? ` and ${isWanted}` : ''}) as filter_expected`, [
      '%"port_filter": true%',
    ]),
  );
  if (hasPortSecurity) query.leftJoin(`${PORT_SECURITY} as security`, 'security.port_id', 'ports.id');
}

function boundTo(builder: Knex, host: string, whose: 'ours' | 'any', variant: Variant): Knex.QueryBuilder {
  const query = selectBound(builder, 'ml2_port_bindings', host);
  if (whose === 'ours') query.where('bound.vif_type', OWN_VIF_TYPE);
  return variant.hasBindingStatus ? query.where('bound.status', 'ACTIVE') : query;
}

function decodePorts(rows: readonly Row[], host: string): readonly DecodedPort[] {
  const byPort = new Map<string, Row[]>();
  for (const row of rows) {
    const id = text(row.id) ?? '';
    byPort.set(id, [...(byPort.get(id) ?? []), row]);
  }
  return [...byPort.values()].flatMap((own) => decodeOne(own, host));
}

function decodeOne(rows: readonly Row[], host: string): readonly DecodedPort[] {
  const deciding = decidingRows(rows, host);
  const [first] = deciding;
  if (first === undefined) return [];
  const binding = bindingOf(first, host);
  const extras = {
    binding,
    pluggedByHypervisor: isPluggedByHypervisor(first),
    // No server asks a filter of the ports of its own services.
    filterExpected: boolean(first.filter_expected) === true && !isOfService(first),
    // The segment of another host's binding may be one that is not here.
    segment: binding.kind === 'standby' ? null : portSegment(deciding),
  };
  return [decodePort(first, extras)];
}

/** The rows of the one binding that decides: this host's if there is one, else the active one. */
function decidingRows(rows: readonly Row[], host: string): readonly Row[] {
  const ours = rows.filter((row) => text(row.binding_host) === host);
  if (ours.length > 0) return ours;
  const active = rows.find((row) => !isInactive(row)) ?? rows[0];
  return rows.filter((row) => row.binding_host === active?.binding_host);
}

const isInactive = (row: Row): boolean => text(row.binding_status) === 'INACTIVE';

function bindingOf(row: Row, host: string): Binding {
  const bound = text(row.binding_host);
  if (bound === null) return { kind: 'unhosted' };
  if (bound !== host && bound !== '') return boundElsewhere(row, bound);
  const vifType = text(row.vif_type) ?? '';
  if (vifType !== OWN_VIF_TYPE) return { kind: 'other-driver', vifType: readable(vifType) };
  if (bound === '') return { kind: 'unhosted' };
  return isInactive(row) ? { kind: 'arriving' } : { kind: 'here' };
}

/** The segment of the highest level; null when the binding names none, or one that is gone. */
function portSegment(rows: readonly Row[]): Segment | null {
  const levelOf = (row: Row): number => integer(row.level) ?? -1;
  const [highest] = [...rows].sort((a, b) => levelOf(b) - levelOf(a));
  return highest === undefined || text(highest.network_type) === null ? null : segmentOf(highest);
}

function segmentOf(row: Row): Segment {
  const type = text(row.network_type);
  switch (type) {
    case 'local':
      return { kind: 'local' };
    case 'flat':
      return flatSegment(row.physical_network);
    case 'vlan':
      return vlanSegment(row.physical_network, row.segmentation_id, 'segmentation_id');
    case 'vxlan':
      return vxlanSegment(row.segmentation_id);
    case null:
      return { kind: 'bad', code: 'BINDING_INVALID', problem: 'network_type is NULL' };
    default:
      return /^[a-z0-9_-]{1,32}$/.test(type)
        ? { kind: 'unsupported', type }
        : { kind: 'bad', code: 'BINDING_INVALID', problem: `network_type is ${shown(type)}` };
  }
}

function vxlanSegment(id: unknown): Segment {
  const vni = integer(id);
  return vni === null || vni < 0 || vni > VNI_MAX
    ? { kind: 'bad', code: 'BINDING_INVALID', problem: `segmentation_id is ${shown(id)}` }
    : { kind: 'vxlan', vni };
}

/** ML2 with the LinuxBridge mechanism driver, Havana (2013.2) to 2024.2. */
export const ml2: GenerationFile = {
  name: 'ml2',
  marks: { ml2_port_bindings: [], ports: ['id'] },
  needs: needsOf,
  optional: { ...PORT_SECURITY_TABLE, ...FEATURE_TABLES },
  open,
};
