import { type Dialect, loadMigrations } from '../database/migrations.js';
import { downSql, upSql } from '../database/schema-sql.js';
import { EXIT, type ExitCode } from '../model/exit-codes.js';
import type { Output } from './invocation.js';

export interface SchemaSqlOptions {
  readonly dialect: Dialect;
  /** The way back instead of the way there. */
  readonly down: boolean;
}

/** Prints what `schema migrate` would run, for review and for `mysql` or `psql`; connects to nothing. */
export async function schemaSql({ dialect, down }: SchemaSqlOptions, output: Output): Promise<ExitCode> {
  const migrations = await loadMigrations();
  output.print(down ? downSql(migrations, dialect) : upSql(migrations, dialect));
  return EXIT.ok;
}
