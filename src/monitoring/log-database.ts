import type { AgentEvent } from '../model/index.js';

/** One line of the log: a constant message, and what varies in fields. */
export type Line = readonly [
  level: 'debug' | 'info' | 'warn' | 'error' | 'fatal',
  fields: object,
  message: string,
];

type DatabaseEvent = Extract<
  AgentEvent,
  {
    kind:
      | 'database-lost'
      | 'database-retry'
      | 'database-back'
      | 'gave-up'
      | 'database-connected'
      | 'database-connect-failed'
      | 'database-connection-lost'
      | 'heartbeat-failed'
      | 'heartbeat-back'
      | 'statuses-written'
      | 'statuses-failed'
      | 'recovered'
      | 'not-recovered';
  }
>;

/** The line for what happens between the agent and its database. */
export function databaseLine(event: DatabaseEvent): Line {
  switch (event.kind) {
    case 'database-lost':
      return [
        'error',
        { error: event.error, kind: event.errorKind },
        'database lost, the data plane stays as it is',
      ];
    case 'database-retry':
      return ['debug', { error: event.error, tries: event.tries }, 'database still down'];
    case 'database-back':
      return ['info', { downMs: Math.round(event.downMs), tries: event.tries }, 'database is back'];
    case 'gave-up':
      return ['fatal', { error: event.error, tries: event.tries }, 'gave up'];
    case 'statuses-written':
      return ['info', { changes: event.changes.length, rows: event.rows }, 'statuses written'];
    case 'statuses-failed':
      return ['warn', { error: event.error }, 'statuses not written, they are written later'];
    case 'database-connected':
      return connectedLine(event);
    case 'database-connect-failed':
      return ['debug', { server: event.server, error: event.error }, 'a database server could not be used'];
    case 'database-connection-lost':
      return [
        'debug',
        { server: event.server, error: event.error },
        'a connection to the database was given up',
      ];
    case 'heartbeat-failed':
      return ['warn', { error: event.error }, 'no heartbeat written, servers take this agent for dead'];
    case 'heartbeat-back':
      return ['info', {}, 'heartbeats are written again'];
    case 'recovered':
      return [
        'warn',
        { ports: event.ports, ageS: Math.round(event.ageMs / 1000) },
        'no database answers yet, wired from the last known good answer',
      ];
    case 'not-recovered':
      return [
        'warn',
        { reason: event.why },
        'no database answers yet, and the last known good answer is refused',
      ];
  }
}

function connectedLine({
  server,
  generation,
  change,
}: Extract<AgentEvent, { kind: 'database-connected' }>): Line {
  const fields = { server, generation };
  switch (change) {
    case 'none':
      return ['debug', fields, 'connected to the database'];
    case 'to-another':
      return ['warn', fields, 'another database server than the first is used'];
    case 'back-to-first':
      return ['info', fields, 'the first database server is used again'];
  }
}
