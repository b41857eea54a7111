import { tableMigration } from './support/tables.js';

/** Two columns of 255 characters in one key are too long for older servers of MySQL with four bytes a character. PostgreSQL is told nothing. */
const SHORT_IN_A_KEY = 'ascii_general_ci';

/** What Grizzly (2013.1) added: the host of each port, and the agents that report themselves. */
export const { upStatements, downStatements, up, down } = tableMigration({
  portbindingports: (table) => {
    table.string('port_id', 36).notNullable().primary();
    table.string('host');
  },
  agents: (table) => {
    table.string('id', 36).notNullable().primary();
    table.string('agent_type').notNullable().collate(SHORT_IN_A_KEY);
    table.string('binary').notNullable();
    table.string('topic').notNullable();
    table.string('host').notNullable().collate(SHORT_IN_A_KEY);
    table.boolean('admin_state_up').notNullable();
    for (const time of ['created_at', 'started_at', 'heartbeat_timestamp'])
      table.datetime(time, { useTz: false }).notNullable();
    table.string('description');
    table.string('configurations', 4095).notNullable();
    table.unique(['agent_type', 'host'], { indexName: 'agents_agent_type_host_key' });
  },
});
