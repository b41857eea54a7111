import { type AgentEvent, databaseFailure, type FailureCode } from '../model/index.js';

/** What happens to the agent, but for its passes. */
type Happening = Exclude<AgentEvent, { kind: 'pass' }>;

/** A message of the log is constant; what varies is in fields. `code`: the entry of the catalogue of failures it is about. */
type Line = readonly [
  level: 'debug' | 'info' | 'warn' | 'error' | 'fatal',
  message: string,
  code?: FailureCode | undefined,
];

const LINES: Readonly<Record<Exclude<Happening['kind'], 'database-connected'>, Line>> = {
  started: ['info', 'agent started'],
  'database-lost': ['error', 'database lost, the data plane stays as it is'],
  'database-retry': ['debug', 'database still down'],
  'database-back': ['info', 'database is back'],
  'gave-up': ['fatal', 'gave up'],
  'database-connect-failed': ['debug', 'a database server could not be used'],
  'database-connection-lost': ['debug', 'a connection to the database was given up'],
  'statuses-written': ['info', 'statuses written'],
  'statuses-failed': ['warn', 'statuses not written, they are written later', 'STATUSES_NOT_WRITTEN'],
  'heartbeat-failed': [
    'warn',
    'no heartbeat written, servers take this agent for dead',
    'HEARTBEAT_NOT_WRITTEN',
  ],
  'heartbeat-back': ['info', 'heartbeats are written again'],
  recovered: ['warn', 'no database answers yet, wired from the last known good answer'],
  'not-recovered': ['warn', 'no database answers yet, and the last known good answer is refused'],
  'kernel-failed': ['error', 'the kernel could not be read, nothing was changed', 'KERNEL_UNREADABLE'],
  'move-settled': ['warn', 'a move of addresses that was cut short has been ended'],
  'move-not-settled': [
    'error',
    'a move of addresses that was cut short could not be ended',
    'ADDRESS_MOVE_NOT_ENDED',
  ],
  'state-failed': [
    'error',
    'what is known could not be kept in state_dir, the agent works on',
    'STATE_NOT_KEPT',
  ],
  'state-kept': ['info', 'what is known is kept in state_dir again'],
  'state-unusable': [
    'warn',
    'a file in state_dir cannot be used, the agent works without it',
    'STATE_UNUSABLE',
  ],
  'control-failed': [
    'error',
    'no control socket, accept and status cannot reach this agent',
    'CONTROL_SOCKET_FAILED',
  ],
  'web-listening': ['info', 'web server listens'],
  'web-failed': ['error', 'web server failed, the agent works without it', 'WEB_SERVER_FAILED'],
  reloading: ['debug', 'reading the settings again'],
  reloaded: ['info', 'settings read again'],
  'restart-needed': ['warn', 'these settings take effect at the next start'],
  'reload-refused': ['error', 'settings are wrong, the old ones stay', 'SETTINGS_WRONG'],
  accepted: ['warn', 'held removals accepted'],
  fault: ['error', 'a fault of this program, what was under way is given up', 'INTERNAL_FAULT'],
  'too-many-faults': [
    'fatal',
    'too many faults of this program, the data plane stays as it is',
    'INTERNAL_FAULT',
  ],
  summary: ['info', 'summary of the last hour'],
  stopping: ['info', 'stopping, the data plane stays as it is'],
};

const CONNECTED: Readonly<Record<Extract<Happening, { kind: 'database-connected' }>['change'], Line>> = {
  none: ['debug', 'connected to the database'],
  'to-another': ['warn', 'another database server than the first is used'],
  'back-to-first': ['info', 'the first database server is used again'],
};

export function lineOf(event: Happening): Line {
  if (event.kind === 'database-connected') return CONNECTED[event.change];
  const [level, message, code] = LINES[event.kind];
  return [level, message, event.kind === 'database-lost' ? databaseFailure(event.errorKind) : code];
}

/** The fields of an event, as the log names and counts them. The number of its pass is told by the logger. */
export function fieldsOf(event: Happening): object {
  switch (event.kind) {
    case 'database-lost':
      return { error: event.error, kind: event.errorKind };
    case 'database-back':
      return { downMs: Math.round(event.downMs), tries: event.tries };
    case 'database-connected':
      return { server: event.server, generation: event.generation };
    case 'statuses-written':
      return { changes: event.changes.length, rows: event.rows };
    case 'statuses-failed':
      return { error: event.error };
    case 'recovered':
      return { ports: event.ports, ageS: Math.round(event.ageMs / 1000) };
    case 'not-recovered':
    case 'move-not-settled':
      return { reason: event.why };
    case 'state-unusable':
      return { reason: event.why, putAsideAs: event.putAsideAs };
    case 'summary':
      return event.summary;
    default: {
      const { kind: _, ...fields } = event;
      return fields;
    }
  }
}
