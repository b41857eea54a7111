import { tableMigration } from './support/tables.js';

/** What the LinuxBridge plugin of Folsom (2012.2) has; a database that has all of it stays as it is. */
export const { upStatements, downStatements, up, down } = tableMigration({
  networks: (table) => {
    table.string('tenant_id');
    table.string('id', 36).notNullable().primary();
    table.string('name');
    table.string('status', 16);
    table.boolean('admin_state_up');
    table.boolean('shared');
  },
  ports: (table) => {
    table.string('tenant_id');
    table.string('id', 36).notNullable().primary();
    table.string('name');
    table.string('network_id', 36).notNullable();
    table.string('mac_address', 32).notNullable();
    table.boolean('admin_state_up').notNullable();
    table.string('status', 16).notNullable();
    table.string('device_id').notNullable();
    table.string('device_owner').notNullable();
  },
  network_bindings: (table) => {
    table.string('network_id', 36).notNullable().primary();
    table.string('physical_network', 64);
    table.integer('vlan_id').notNullable();
  },
  network_states: (table) => {
    table.string('physical_network', 64).notNullable();
    table.integer('vlan_id').notNullable();
    table.boolean('allocated').notNullable();
    table.primary(['physical_network', 'vlan_id']);
  },
});
