import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Engine, MARIADB, MYSQL, POSTGRESQL } from '../support/databases/engines.js';
import { VERSIONS } from '../support/databases/versions.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const PAPER = fileURLToPath(new URL('../../migrations/README.md', import.meta.url));
/** The suites that are written for every engine; what a poll costs, and clusters, have proofs of their own. */
const SUITES = [
  'contract',
  'generations',
  'heartbeat',
  'migrations',
  'check',
  'errors',
  'transaction',
  'tls',
];
/** What `npm test` has already. */
const EVERY_DAY: readonly (Engine & { readonly packageName: string | null })[] = [
  POSTGRESQL,
  MARIADB,
  MYSQL,
].map((engine) => ({ ...engine, packageName: null }));

const lines: string[] = [];

/** Runs these suites on one version alone, in a process of its own. */
async function passes(packageName: string): Promise<void> {
  const files = SUITES.map((suite) => `test/database/${suite}.test.ts`);
  const command = ['--import', 'tsx', '--test', '--test-reporter=tap', '--test-concurrency=1', ...files];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, command, {
    cwd: PROJECT,
    env: { ...env, TEST_SERVER: packageName },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await text(child.stdout);
  const failed = output.split('\n').filter((line) => /^ *not ok /.test(line));
  assert.deepEqual(failed, []);
  assert.match(output, /^# pass [1-9]/m);
}

async function versionOf({ start, name }: Engine): Promise<string> {
  const server = await start();
  try {
    const [row] = await server.query(
      name === 'PostgreSQL'
        ? `select current_setting('server_version') as version`
        : 'select version() as version',
    );
    return /^[\d.]+/.exec(String(row?.version))?.[0] ?? '';
  } finally {
    await server.destroy();
  }
}

/** The paper, and in it the table: between its head and the next empty line. */
function tableIn(paper: string): { readonly before: string; readonly table: string; readonly after: string } {
  const head = '| server | tried by |\n|---|---|\n';
  const from = paper.indexOf(head) + head.length;
  const to = paper.indexOf('\n\n', from);
  return { before: paper.slice(0, from), table: paper.slice(from, to), after: paper.slice(to) };
}

describe('every version that can be had', () => {
  for (const version of [...EVERY_DAY, ...VERSIONS]) {
    const { name, packageName } = version;
    test(`${name}, ${packageName ?? 'as npm test has it'}`, async () => {
      if (packageName !== null) await passes(packageName);
      const release = packageName?.split('@')[1];
      const run = release === undefined ? '`npm test`' : `\`npm run test:long\` (Debian ${release})`;
      lines.push(`| ${name} ${await versionOf(version)} | ${run} |`);
    });
  }

  test('the table in migrations/README.md has exactly these, or is written by UPDATE_DOCS=1', () => {
    assert.equal(lines.length, EVERY_DAY.length + VERSIONS.length, 'not every version has passed');
    const { before, table, after } = tableIn(readFileSync(PAPER, 'utf8'));
    if (process.env.UPDATE_DOCS === '1') writeFileSync(PAPER, `${before}${lines.join('\n')}${after}`);
    else assert.equal(table, lines.join('\n'));
  });
});
