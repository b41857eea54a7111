import { type Dialect, loadMigrations } from '../database/migrations.js';
import { batchesOf, scriptOf, statementsOf } from '../database/schema-sql.js';
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
  const batches = batchesOf(await loadMigrations(), dialect, down ? 'down' : 'up');
  output.print(json ? jsonOf({ statements: statementsOf(batches, dialect) }, 2) : scriptOf(batches, dialect));
  return EXIT.ok;
}
