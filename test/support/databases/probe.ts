import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Question } from '../../../src/model/database.js';
import { DatabaseError } from '../../../src/model/database.js';
import { PASSWORD, type TestServer } from './servers.js';

export const NOTHING: Question = { taps: [], bridges: [] };

/** The DatabaseError a call rejects with; its message must hold no secret. */
export async function failureOf(work: Promise<unknown>): Promise<DatabaseError> {
  const outcome = await work.then(
    () => null,
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof DatabaseError, `expected a DatabaseError, got ${String(outcome)}`);
  assert.ok(!outcome.message.includes(PASSWORD), 'the message holds the password');
  assert.match(outcome.message, /\.$/, 'the message is a sentence');
  return outcome;
}

/** How long something took, in milliseconds. */
export async function timed(work: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work.catch(() => {});
  return performance.now() - start;
}

/** What the server logged while `work` ran: its own witness of the statements that reached it. */
export async function statementsDuring(
  server: TestServer,
  work: () => Promise<unknown>,
): Promise<readonly string[]> {
  if (server.engine === 'mysql')
    await server.query(`set global log_output = 'FILE'; set global general_log = 1`);
  const [row] = server.engine === 'mysql' ? await server.query('select @@general_log_file as file') : [];
  const file =
    row === undefined ? join(server.folder, 'log') : resolve(server.folder, 'data', String(row.file));
  const before = readFileSync(file).length;
  await work();
  const log = readFileSync(file).subarray(before).toString('utf8');
  // PostgreSQL begins the further lines of a statement with a tab, MySQL and MariaDB any entry.
  const entries = (server.engine === 'postgresql' ? log.replaceAll('\n\t', ' ') : log).split('\n');
  return entries.flatMap((line) => {
    const match = /(?:LOG: {2}(?:statement|execute [^:]*): |\d Query\t)(.*)/.exec(line);
    return match?.[1] === undefined ? [] : [match[1]];
  });
}
