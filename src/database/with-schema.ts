import type { DatabaseSettings } from '../model/settings.js';
import { answered, connectToFirst, disconnect } from './connect.js';
import type { Connection } from './connection.js';
import { readSchema } from './generations/detect.js';
import type { Schema } from './generations/generation.js';

/** Connects to the first server that answers, hands over the connection and its schema, and ends the connection. Throws DatabaseError. */
export async function withSchema<T>(
  settings: DatabaseSettings,
  look: (connection: Connection, schema: Schema) => Promise<T>,
): Promise<T> {
  const connection = await connectToFirst(settings, () => {});
  try {
    const reading = readSchema(connection);
    const found = await answered(connection, settings.queryTimeoutMs, 'show its schema', reading);
    return await look(found.connection, found.schema);
  } finally {
    await disconnect(connection);
  }
}
