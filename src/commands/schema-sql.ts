import { type Dialect, loadMigrations } from '../database/migrations.js';
import { downBatches, scriptOf, statementsOf, upBatches } from '../database/schema-sql.js';
import { EXIT, type ExitCode } from '../model/exit-codes.js';
import { jsonOf } from '../model/visible.js';
import type { Invocation } from './invocation.js';

export interface SchemaSqlOptions {
  readonly dialect: Dialect;
  /** The way back instead of the way there. */
  readonly down: boolean;
}

/**
 * Prints what `schema migrate` would run, for review and for `mysql` or `psql`, or with `--json` one object
 * `{ statements }`; connects to nothing. Always exit code 0.
 */
export async function schemaSql(
  { json, output }: Pick<Invocation, 'json' | 'output'>,
  { dialect, down }: SchemaSqlOptions,
): Promise<ExitCode> {
  const migrations = await loadMigrations();
  const batches = down ? downBatches(migrations, dialect) : upBatches(migrations, dialect);
  output.print(json ? jsonOf({ statements: statementsOf(batches, dialect) }, 2) : scriptOf(batches, dialect));
  return EXIT.ok;
}
