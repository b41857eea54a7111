import type { TestServer } from './servers.js';

export type TestGeneration = 'essex' | 'folsom' | 'grizzly' | 'ml2-havana' | 'ml2-zed';

/** Tables of each generation, written from what is known of them; `BOOL` stands for the engine's boolean. */
const NETWORKS = `create table networks (tenant_id varchar(255), id varchar(36) not null primary key,
  name varchar(255), status varchar(16), admin_state_up BOOL, shared BOOL)`;
const PORTS = `create table ports (tenant_id varchar(255), id varchar(36) not null primary key, name varchar(255),
  network_id varchar(36), mac_address varchar(32), admin_state_up BOOL, status varchar(16),
  device_id varchar(255), device_owner varchar(255))`;
const NETWORK_BINDINGS = `create table network_bindings (network_id varchar(36) not null primary key,
  physical_network varchar(64), vlan_id integer)`;
const NETWORK_STATES = `create table network_states (physical_network varchar(64) not null, vlan_id integer not null,
  allocated BOOL not null, primary key (physical_network, vlan_id))`;
const PORTBINDINGPORTS = `create table portbindingports (port_id varchar(36) not null primary key, host varchar(255))`;
const AGENTS = `create table agents (id varchar(36) not null primary key, agent_type varchar(255) not null,
  "binary" varchar(255) not null, topic varchar(255) not null, host varchar(255) not null,
  admin_state_up BOOL not null, created_at TIME not null, started_at TIME not null,
  heartbeat_timestamp TIME not null, description varchar(255), configurations varchar(4095) not null)`;
const ML2_NETWORKS = `create table networks (project_id varchar(255), id varchar(36) not null primary key,
  name varchar(255), status varchar(16), admin_state_up BOOL, mtu integer not null default 1500)`;
const segments = (name: string): string => `create table ${name} (id varchar(36) not null primary key,
  network_id varchar(36) not null, network_type varchar(32) not null, physical_network varchar(64),
  segmentation_id integer, unique (network_id, network_type, physical_network))`;

const STATEMENTS: Readonly<Record<TestGeneration, readonly string[]>> = {
  essex: [
    `create table networks (uuid varchar(255) not null primary key, tenant_id varchar(255), name varchar(255),
      op_status varchar(16))`,
    `create table ports (uuid varchar(255) not null primary key, network_id varchar(255), interface_id varchar(255),
      state varchar(8), op_status varchar(16))`,
    'create table vlan_bindings (vlan_id integer not null primary key, network_id varchar(255))',
  ],
  folsom: [NETWORKS, PORTS, NETWORK_BINDINGS, NETWORK_STATES],
  grizzly: [NETWORKS, PORTS, NETWORK_BINDINGS, NETWORK_STATES, PORTBINDINGPORTS, AGENTS],
  'ml2-havana': [
    NETWORKS,
    PORTS,
    segments('ml2_network_segments'),
    `create table ml2_port_bindings (port_id varchar(36) not null primary key, host varchar(255) not null,
      vif_type varchar(64) not null, driver varchar(64), segment varchar(36))`,
    AGENTS,
  ],
  'ml2-zed': [
    ML2_NETWORKS,
    PORTS.replace('tenant_id', 'project_id'),
    segments('networksegments').replace(
      'unique',
      'is_dynamic BOOL, segment_index integer not null default 0, unique',
    ),
    `create table ml2_port_bindings (port_id varchar(36) not null, host varchar(255) not null default '',
      vif_type varchar(64) not null, vnic_type varchar(64) not null default 'normal',
      vif_details varchar(4095) not null default '',
      status varchar(16) not null default 'ACTIVE', primary key (port_id, host))`,
    `create table portsecuritybindings (port_id varchar(36) not null primary key,
      port_security_enabled BOOL not null)`,
    `create table ml2_port_binding_levels (port_id varchar(36) not null, host varchar(255) not null,
      level integer not null, driver varchar(64), segment_id varchar(36), primary key (port_id, host, level))`,
    AGENTS,
  ],
};

/** The CREATE statements of a generation in the engine's own words. */
export function schemaStatements(
  engine: TestServer['engine'],
  generation: TestGeneration,
): readonly string[] {
  const [bool, time] = engine === 'postgresql' ? ['boolean', 'timestamp'] : ['tinyint(1)', 'datetime'];
  return STATEMENTS[generation].map((statement) => {
    const typed = statement.replaceAll('BOOL', bool).replaceAll('TIME ', `${time} `);
    return engine === 'postgresql' ? typed : `${typed.replaceAll('"', '`')} engine=InnoDB`;
  });
}

/** What a server of ML2 has for features that this agent does not serve, as far as it is read; added to `ml2-zed`. */
const UNSERVED: readonly string[] = [
  'create table qos_port_policy_bindings (policy_id varchar(36) not null, port_id varchar(36) not null unique)',
  'create table qos_network_policy_bindings (policy_id varchar(36) not null, network_id varchar(36) not null unique)',
  'create table trunks (id varchar(36) not null primary key, port_id varchar(36) not null unique)',
  'create table subports (port_id varchar(36) not null primary key, trunk_id varchar(36) not null)',
  `create table allowedaddresspairs (port_id varchar(36) not null, mac_address varchar(32) not null,
    ip_address varchar(64) not null, primary key (port_id, mac_address, ip_address))`,
  'alter table networks add vlan_transparent boolean',
];

/** Adds to the tables of `ml2-zed` those of what is asked for and not served. */
export const addUnservedTables = async (server: TestServer, database: string): Promise<void> => {
  const owner = server.engine === 'postgresql' ? ['set role quantum'] : [];
  await server.query([...owner, ...UNSERVED].join(';\n'), database);
};

/** Makes the tables of a generation in an empty database, owned by (or open to) the user `quantum`. */
export async function createSchema(
  server: TestServer,
  generation: TestGeneration,
  database = 'quantum',
): Promise<void> {
  const statements = schemaStatements(server.engine, generation);
  const owner = server.engine === 'postgresql' ? ['set role quantum'] : [];
  await server.query([...owner, ...statements].join(';\n'), database);
}

/** Drops every table of a database. */
export async function dropTables(server: TestServer, database = 'quantum'): Promise<void> {
  if (server.engine === 'postgresql') {
    await server.query(
      'drop schema public cascade; create schema public; alter schema public owner to quantum',
      database,
    );
    return;
  }
  await server.query(`drop database ${database}; create database ${database}`);
}
