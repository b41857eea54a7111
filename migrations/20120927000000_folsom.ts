import { tableMigration } from './support/tables.js';

/** What the LinuxBridge plugin of Folsom (2012.2) has; a database that has all of it stays as it is. */
export const { upStatements, downStatements, up, down } = tableMigration([
  {
    name: 'networks',
    definition: `tenant_id varchar(255),
  id varchar(36) not null primary key,
  name varchar(255),
  status varchar(16),
  admin_state_up {boolean},
  shared {boolean}`,
  },
  {
    name: 'ports',
    definition: `tenant_id varchar(255),
  id varchar(36) not null primary key,
  name varchar(255),
  network_id varchar(36) not null,
  mac_address varchar(32) not null,
  admin_state_up {boolean} not null,
  status varchar(16) not null,
  device_id varchar(255) not null,
  device_owner varchar(255) not null`,
  },
  {
    name: 'network_bindings',
    definition: `network_id varchar(36) not null primary key,
  physical_network varchar(64),
  vlan_id integer not null`,
  },
  {
    name: 'network_states',
    definition: `physical_network varchar(64) not null,
  vlan_id integer not null,
  allocated {boolean} not null,
  primary key (physical_network, vlan_id)`,
  },
]);
