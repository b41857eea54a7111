import {
  type Answer,
  type Database,
  DatabaseError,
  type Question,
  type StatusChange,
} from '../model/database.js';
import type { DatabaseSettings } from '../model/settings.js';
import type { Watermark } from '../model/watermark.js';
import { answered, closing, disconnect } from './connect.js';
import { databaseError, endpointOf } from './errors.js';
import { type DatabaseEvents, openSession, type Session } from './session.js';
import { oneAfterAnother } from './turns.js';
import { openReader } from './unserved-here.js';
import { heed, makeWatermark } from './watermark.js';
import { openStatusWriter } from './write.js';

/**
 * The shared database. Nothing is connected before the first call; after any failure of a read the next
 * call starts afresh with the first server of the list and looks at the schema again. Calls are carried out
 * one after another. Every call ends within `connectTimeoutMs` for each server tried, `queryTimeoutMs` for
 * the schema, again for this host's row in `agents`, and `queryTimeoutMs` for its own statements; `close` waits
 * for no connection that is being made.
 */
export function openDatabase(
  settings: DatabaseSettings,
  events: DatabaseEvents = {},
  watermark: Watermark = makeWatermark(),
): Database {
  const inTurn = oneAfterAnother();
  const [readTold, writeStatuses] = [openReader(settings.host), openStatusWriter()];
  const closed = new AbortController();
  let session: Session | null = null;

  async function connected(): Promise<Session> {
    if (session?.connection.lost()) giveUp(session, closedByServer(session));
    if (session !== null && !session.term.isOver()) return session;
    if (session !== null) await disconnect(session.connection);
    session = null;
    session = await openSession(settings, watermark, events, closed.signal);
    return session;
  }

  /** Cuts a connection: its transaction, or its view of the schema, is of no use any more. Gives the failure it was for. */
  function giveUp({ connection }: Session, error: unknown): DatabaseError {
    connection.cut();
    session = null;
    const failure = databaseError(error, connection.server);
    events.lost?.(endpointOf(connection.server), failure);
    return failure;
  }

  async function read(question: Question): Promise<Answer> {
    const current = await connected();
    const { connection } = current;
    try {
      const reading = readTold(current, question);
      const { answer, heartbeat } = await answered(connection, settings.queryTimeoutMs, 'answer', reading);
      const behind = heed(watermark, heartbeat);
      return behind === null ? answer : { ...answer, behind };
    } catch (error) {
      throw giveUp(current, error);
    }
  }

  async function write(changes: readonly StatusChange[]): Promise<number> {
    if (settings.readOnly || changes.length === 0) return 0;
    const current = await connected();
    const { connection, generation } = current;
    try {
      const writing = writeStatuses(connection, generation, settings.host, changes);
      return await answered(connection, settings.queryTimeoutMs, 'write', writing);
    } catch (error) {
      const failure = databaseError(error, connection.server);
      // A refused UPDATE leaves no transaction open; a replica goes on answering reads.
      if (failure.kind !== 'query' && failure.kind !== 'permission') giveUp(current, failure);
      throw failure;
    }
  }

  return {
    read: (question) => inTurn(() => read(question)),
    writeStatuses: (changes) => inTurn(() => write(changes)),
    close: () => {
      closed.abort(closing());
      return inTurn(async () => {
        if (session !== null) await disconnect(session.connection);
        session = null;
      });
    },
  };
}

const closedByServer = ({ connection }: Session): DatabaseError =>
  new DatabaseError('unreachable', `${endpointOf(connection.server)} closed the connection.`);
