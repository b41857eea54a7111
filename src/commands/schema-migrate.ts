import { runMigrations } from '../database/migrations.js';
import { EXIT, type ExitCode } from '../model/exit-codes.js';
import { jsonOf } from '../model/visible.js';
import { complain } from './complain.js';
import type { Invocation } from './invocation.js';
import { withFailures } from './open-parts.js';

/** Brings the database to the Grizzly form; adds only what is missing. Exit code 0, 1 (locked), 75 or 78. */
export const schemaMigrate = (invocation: Invocation): Promise<ExitCode> =>
  migrate(invocation, 'latest', { some: 'Applied', none: 'Nothing to do: every migration is applied.' });

/** Takes the last batch of migrations back: drops what they made, with all rows in it, and nothing else. */
export const schemaRollback = (invocation: Invocation): Promise<ExitCode> =>
  migrate(invocation, 'rollback', { some: 'Taken back', none: 'Nothing to do: no migration is applied.' });

function migrate(
  { loaded, json, output }: Invocation,
  direction: 'latest' | 'rollback',
  words: { readonly some: string; readonly none: string },
): Promise<ExitCode> {
  return withFailures(output, async () => {
    const migrated = await runMigrations(loaded.settings.database, direction);
    if (migrated.kind === 'locked') {
      return complain(output, 'MIGRATION_LOCKED', `${migrated.endpoint}: a migration holds the lock`);
    }
    const { names } = migrated;
    if (json) output.print(jsonOf({ migrations: names }, 2));
    else output.print(names.map((name) => `${words.some}: ${name}`).join('\n') || words.none);
    return EXIT.ok;
  });
}
