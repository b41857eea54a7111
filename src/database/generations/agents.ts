import { type HeartbeatFacts, missing, type Schema } from './generation.js';

/** How this agent, and the one it replaces, report themselves. */
export const AGENT_TYPE = 'Linux bridge agent';

/** The columns that a beat writes; whatever else a release has is left to its default. */
export const AGENT_COLUMNS = {
  found: ['id', 'agent_type', 'host', 'configurations'],
  inserted: [
    'id',
    'agent_type',
    'binary',
    'topic',
    'host',
    'admin_state_up',
    'created_at',
    'started_at',
    'heartbeat_timestamp',
    'configurations',
  ],
  updated: ['started_at', 'heartbeat_timestamp', 'configurations'],
} as const;

/** The facts of a generation that has agents, with what its database has of the table. */
export const heartbeatFacts = (
  schema: Schema,
  facts: Pick<HeartbeatFacts, 'binary' | 'intervalMs'>,
): HeartbeatFacts => ({
  ...facts,
  hasTable: missing(schema, { agents: AGENT_COLUMNS.inserted }).length === 0,
});
