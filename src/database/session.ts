import { DatabaseError } from '../model/database.js';
import type { DatabaseSettings } from '../model/settings.js';
import type { Watermark } from '../model/watermark.js';
import { answered, connectToFirst } from './connect.js';
import type { Connection, Select } from './connection.js';
import { endpointOf } from './errors.js';
import { type Feature, featuresIn } from './features.js';
import { type ForwardingSource, findForwardingSource } from './forwarding/source.js';
import { detectGeneration, rankOf, readableSchema, readSchema } from './generations/detect.js';
import type { Generation, GenerationName } from './generations/generation.js';
import { type Period, periodFromNow } from './limit.js';
import { heartbeatOf, keyOfOwnRow } from './own-row.js';

/**
 * How long a session serves, however often it is asked. A newer generation may appear beside the tables that are read
 * without any error, and a first server that is back says nothing.
 */
const SESSION_MS = 300_000;

/** What happens to the connection, for logs and metrics; texts name a server, never a password. */
export interface DatabaseEvents {
  connected?(server: string, generation: GenerationName): void;
  /** One server of the list could not be used; the next is tried. */
  connectFailed?(server: string, error: DatabaseError): void;
  /** The connection in use was given up; the next call makes a fresh one. */
  lost?(server: string, error: DatabaseError): void;
}

/** A connection and what was found behind it. */
export interface Session {
  readonly connection: Connection;
  readonly generation: Generation;
  /** How to ask who is behind which tunnel; null: nobody wants to know, or this generation does not tell. */
  readonly forwarding: ForwardingSource | null;
  /** What ports may ask for here and do not get. */
  readonly unserved: readonly Feature[];
  /** What shows this agent's own heartbeat; null: it writes none here, or may not see them. */
  readonly heartbeat: Select | null;
  /** Over: it has served long enough, and the next one looks at the servers and the schema again. */
  readonly term: Period;
}

/**
 * Connects to the first server of the list that answers and looks at its schema, which must not be older than the
 * watermark says. `signal` gives up connecting. Throws DatabaseError.
 */
export async function openSession(
  settings: DatabaseSettings,
  watermark: Watermark,
  events: DatabaseEvents,
  signal: AbortSignal,
): Promise<Session> {
  const failed = (name: string, error: DatabaseError): void => events.connectFailed?.(name, error);
  const fresh = await connectToFirst(settings, failed, signal);
  try {
    const reading = readSchema(fresh);
    const found = await answered(fresh, settings.queryTimeoutMs, 'show its schema', reading);
    const { connection } = found;
    const looking = readableSchema(found);
    const schema = await answered(connection, settings.queryTimeoutMs, 'show its schema', looking);
    const endpoint = endpointOf(connection.server);
    const generation = detectGeneration(schema, endpoint);
    refuseOlder(generation.name, watermark.seen().generation, endpoint);
    watermark.note({ endpoint, generation: generation.name });
    const key = await keyOfOwnRow(connection, generation, settings);
    const heartbeat = key === null ? null : heartbeatOf(connection, key);
    const forwarding = settings.tunnels
      ? await answered(
          fresh,
          settings.queryTimeoutMs,
          'show its indexes',
          findForwardingSource(connection, generation),
        )
      : null;
    events.connected?.(endpoint, generation.name);
    const unserved = featuresIn(generation, schema);
    return { connection, generation, forwarding, unserved, heartbeat, term: periodFromNow(SESSION_MS) };
  } catch (error) {
    fresh.cut();
    throw error;
  }
}

/**
 * Half an upgrade, or a table moved away, looks like an older generation, in which no port has a host: acting
 * on that would take ports from the hosts they are bound to.
 */
function refuseOlder(name: GenerationName, newest: string | null, endpoint: string): void {
  if (newest === null || rankOf(name) >= rankOf(newest)) return;
  throw new DatabaseError(
    'schema',
    `${endpoint} was of the ${newest} generation and now looks like ${name}: a table was moved or dropped, or may not be seen by this account; bring it back, or, if that is meant, stop the agent and remove its server-*.json from state_dir.`,
  );
}
