import { grants } from '../database/grants.js';
import { inspectGeneration } from '../database/inspect.js';
import { EXIT, type ExitCode } from '../model/exit-codes.js';
import { jsonOf } from '../model/visible.js';
import type { Invocation } from './invocation.js';
import { withFailures } from './open-parts.js';

export interface SchemaGrantsOptions {
  readonly user: string;
  /** Where the user connects from, for MySQL; `%` is anywhere. */
  readonly host: string;
}

/**
 * Prints the GRANT statements that the agent needs on this database, exactly for its generation and for
 * `read_only`, or with `--json` one object `{ statements }`; the DBA runs them. Exit code 0, 75 or 78.
 */
export function schemaGrants(
  { loaded, json, output }: Invocation,
  { user, host }: SchemaGrantsOptions,
): Promise<ExitCode> {
  return withFailures(output, async () => {
    const { database } = loaded.settings;
    const [server] = database.servers;
    const { generation, namespace } = await inspectGeneration(database);
    const grantee = {
      user,
      host,
      database: server.database,
      namespace: namespace ?? 'public',
      readOnly: database.readOnly,
      tunnels: database.tunnels,
    };
    const statements = grants(server.engine, generation, grantee);
    output.print(
      json ? jsonOf({ statements }, 2) : statements.map((statement) => `${statement};`).join('\n'),
    );
    return EXIT.ok;
  });
}
