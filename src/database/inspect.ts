import type { DatabaseSettings } from '../model/settings.js';
import { answered, connectToFirst, disconnect } from './connect.js';
import { endpointOf } from './errors.js';
import { describeSchema, readSchema, type SchemaDescription } from './generations/detect.js';

/** What `schema check` found behind the first server that answers. */
export interface Inspection {
  /** The database, for people. */
  readonly endpoint: string;
  readonly schema: SchemaDescription;
}

/** Looks at the schema and ends the connection. Throws DatabaseError. */
export async function inspectDatabase(settings: DatabaseSettings): Promise<Inspection> {
  const connection = await connectToFirst(settings, () => {});
  try {
    const schema = await answered(
      connection,
      settings.queryTimeoutMs,
      'show its schema',
      readSchema(connection),
    );
    return { endpoint: endpointOf(connection.server), schema: describeSchema(schema) };
  } finally {
    await disconnect(connection);
  }
}
