import type { TestServer } from './servers.js';
import type { TestGeneration } from './tables.js';

export interface PortRow {
  readonly id: string;
  readonly network: string | null;
  /** Essex: what the tap is named after; the id when absent. */
  readonly interfaceId?: string | null;
  readonly adminUp?: boolean | null;
  /** In the generation's own words; DOWN when absent. */
  readonly status?: string | null;
  readonly deviceOwner?: string;
  /** Where the generation has hosts: the host it is bound to; absent: no row. */
  readonly host?: string;
}

export interface NetworkRow {
  readonly id: string;
  /** Absent: no binding (no segment). */
  readonly type?: 'local' | 'flat' | 'vlan' | 'vxlan';
  readonly physicalNetwork?: string | null;
  readonly vlanId?: number | null;
}

/** ML2 only: one more binding of a port. */
export interface BindingRow {
  readonly port: string;
  readonly host: string;
  readonly vifType?: string;
  readonly status?: 'ACTIVE' | 'INACTIVE';
  /** The segment it uses; `level` 0 when absent. */
  readonly segment?: string;
  readonly level?: number;
  /** As the server writes it, from Icehouse on. */
  readonly vifDetails?: string;
}

/** Inserting into and looking at the tables of one generation. */
export interface Rows {
  port(row: PortRow): Promise<void>;
  /** The segment's id, where segments have one, is the network's. */
  network(row: NetworkRow): Promise<void>;
  /** A further segment of an ML2 network, or one without a network row. */
  segment(id: string, row: NetworkRow): Promise<void>;
  binding(row: BindingRow): Promise<void>;
  /** The status column as it stands; undefined: no such row. */
  statusOf(port: string): Promise<unknown>;
  /** Empties every table. */
  clear(): Promise<void>;
}

type Value = string | number | boolean | null;

/** A value as SQL text; only for tests, whose values are their own. */
export function literal(value: Value): string {
  if (typeof value !== 'string') return String(value);
  return `'${value.replaceAll("'", "''")}'`;
}

/** The numbers from 1 as `n`: a table for FROM, in what every version of an engine understands. */
export function numbersSql(engine: TestServer['engine'], count: number): string {
  if (engine === 'postgresql') return `generate_series(1, ${count}) as n`;
  const places = [...String(count)].map((_, place) => place);
  const digits = Array.from({ length: 10 }, (_, digit) => `select ${digit} as digit`).join(' union all ');
  const tables = places.map((place) => `(${digits}) as place${place}`).join(' cross join ');
  const number = `1 + ${places.map((place) => `place${place}.digit * ${10 ** place}`).join(' + ')}`;
  return `(select ${number} as n from ${tables} where ${number} <= ${count}) as numbers`;
}

const insert = (table: string, values: Readonly<Record<string, Value>>): string =>
  `insert into ${table} (${Object.keys(values).join(', ')}) values (${Object.values(values).map(literal).join(', ')})`;

/** Helpers for the tables that `createSchema` made. */
export function rowsOf(server: TestServer, generation: TestGeneration, database = 'quantum'): Rows {
  const run = async (...statements: readonly string[]): Promise<void> => {
    if (statements.length > 0) await server.query(statements.join(';\n'), database);
  };
  const key = generation === 'essex' ? 'uuid' : 'id';
  const status = generation === 'essex' ? 'op_status' : 'status';
  const tables = TABLES[generation];
  return {
    port: (row) => run(...portStatements(generation, row)),
    network: ({ type, ...row }) =>
      run(
        insert('networks', { [key]: row.id }),
        ...(type === undefined ? [] : [segmentStatement(generation, row.id, { type, ...row })]),
      ),
    segment: (id, row) => run(segmentStatement(generation, id, row)),
    binding: (row) => run(...bindingStatements(generation, row)),
    statusOf: async (port) => {
      const [row] = await server.query(
        `select ${status} as status from ports where ${key} = ${literal(port)}`,
        database,
      );
      return row?.status;
    },
    clear: () => run(...tables.map((table) => `delete from ${table}`)),
  };
}

const TABLES: Readonly<Record<TestGeneration, readonly string[]>> = {
  essex: ['ports', 'networks', 'vlan_bindings'],
  folsom: ['ports', 'networks', 'network_bindings'],
  grizzly: ['ports', 'networks', 'network_bindings', 'portbindingports', 'agents'],
  'ml2-havana': ['ports', 'networks', 'ml2_network_segments', 'ml2_port_bindings', 'agents'],
  'ml2-zed': [
    'ports',
    'networks',
    'networksegments',
    'ml2_port_bindings',
    'ml2_port_binding_levels',
    'portsecuritybindings',
    'agents',
  ],
};

function portStatements(generation: TestGeneration, row: PortRow): readonly string[] {
  const { id, network, adminUp = true, status = 'DOWN', deviceOwner = '', host, interfaceId = id } = row;
  if (generation === 'essex') {
    const state = adminUp === null ? null : adminUp ? 'ACTIVE' : 'DOWN';
    const values = { uuid: id, network_id: network, interface_id: interfaceId, state, op_status: status };
    return [insert('ports', values)];
  }
  const values = { id, network_id: network, admin_state_up: adminUp, status, device_owner: deviceOwner };
  const port = insert('ports', values);
  if (host === undefined || generation === 'folsom') return [port];
  if (generation === 'grizzly') return [port, insert('portbindingports', { port_id: id, host })];
  return [port, ...bindingStatements(generation, { port: id, host })];
}

const PLUGIN_VLAN_IDS = { flat: -1, local: -2 } as const;

function segmentStatement(generation: TestGeneration, id: string, row: NetworkRow): string {
  const { type = 'vlan', physicalNetwork = null, vlanId = null } = row;
  if (generation === 'essex') return insert('vlan_bindings', { vlan_id: vlanId, network_id: row.id });
  if (generation === 'folsom' || generation === 'grizzly') {
    const marker = type === 'flat' || type === 'local' ? PLUGIN_VLAN_IDS[type] : vlanId;
    return insert('network_bindings', {
      network_id: row.id,
      physical_network: physicalNetwork,
      vlan_id: marker,
    });
  }
  return insert(generation === 'ml2-havana' ? 'ml2_network_segments' : 'networksegments', {
    id,
    network_id: row.id,
    network_type: type,
    physical_network: physicalNetwork,
    segmentation_id: vlanId,
  });
}

function bindingStatements(generation: TestGeneration, row: BindingRow): readonly string[] {
  const { port, host, vifType = 'bridge', status = 'ACTIVE', segment, level = 0, vifDetails = '' } = row;
  const values = { port_id: port, host, vif_type: vifType };
  if (generation === 'ml2-havana') {
    return [insert('ml2_port_bindings', { ...values, segment: segment ?? null })];
  }
  const levels = { port_id: port, host, level, segment_id: segment ?? null };
  return [
    ...(level === 0 ? [insert('ml2_port_bindings', { ...values, status, vif_details: vifDetails })] : []),
    ...(segment === undefined ? [] : [insert('ml2_port_binding_levels', levels)]),
  ];
}
