import { tableMigration } from './support/tables.js';

/** What Grizzly (2013.1) added: the host of each port, and the agents that report themselves. */
export const { upStatements, downStatements, up, down } = tableMigration([
  {
    name: 'portbindingports',
    definition: `port_id varchar(36) not null primary key,
  host varchar(255)`,
  },
  {
    name: 'agents',
    definition: `id varchar(36) not null primary key,
  agent_type varchar(255) {ascii} not null,
  "binary" varchar(255) not null,
  topic varchar(255) not null,
  host varchar(255) {ascii} not null,
  admin_state_up {boolean} not null,
  created_at {time} not null,
  started_at {time} not null,
  heartbeat_timestamp {time} not null,
  description varchar(255),
  configurations varchar(4095) not null,
  unique (agent_type, host)`,
  },
]);
