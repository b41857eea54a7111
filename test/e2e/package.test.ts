import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../support/databases/postgres.js';
import { privateFolder } from '../support/databases/servers.js';
import { socketUrl } from '../support/host/agent.js';
import { makeTapsOf, networkId, portId, tapOf, withDatabase } from '../support/host/host.js';
import { command, makeNamespace } from '../support/host/netns.js';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const INSTALL_LIMIT_MS = 600_000;

interface Packed {
  readonly file: string;
  readonly paths: readonly string[];
}

/** Packs what is built, as a release does; `prepare` would build it again under the other tests. */
function pack(): Packed {
  const folder = privateFolder('package');
  const printed = command(
    'npm',
    ...['pack', PROJECT, '--ignore-scripts', '--json', '--pack-destination', folder],
  );
  const [made] = JSON.parse(printed) as { filename: string; files: { path: string }[] }[];
  assert.ok(made);
  return { file: join(folder, made.filename), paths: made.files.map(({ path }) => path) };
}

const run = (file: string, ...args: string[]) =>
  spawnSync(file, args, { encoding: 'utf8', timeout: INSTALL_LIMIT_MS });

/** The source that a built migration comes from. */
const sourceOf = (path: string): string => path.replace('dist/', '').replace(/\.js$/, '.ts');

describe('the package', () => {
  let packed: Packed;
  before(() => {
    packed = pack();
  });

  test('holds the program, its migrations, the examples for a host and the documents, nothing else', () => {
    const others = packed.paths.filter(
      (path) => !/^(dist\/.*\.js|etc\/.*|(README|CHANGELOG)\.md|LICENSE|package\.json)$/.test(path),
    );
    assert.deepEqual(others, []);
    assert.deepEqual(
      packed.paths.filter((path) => path.startsWith('etc/docker/')),
      [],
      'what only docker-compose.yml needs',
    );
    for (const needed of ['dist/cli.js', 'README.md', 'LICENSE', 'etc/quantum-linuxbridge-agent.ini'])
      assert.ok(packed.paths.includes(needed), needed);
    assert.ok(packed.paths.some((path) => path.startsWith('dist/migrations/2012')));
  });

  test('holds no built file that no other one loads, and no migration whose source is gone', () => {
    const built = packed.paths.filter((path) => /^dist\/(cli|chunks)/.test(path));
    const loaded = built.map((path) => readFileSync(join(PROJECT, path), 'utf8')).join();
    const chunks = built.filter((path) => path !== 'dist/cli.js');
    assert.ok(chunks.length > 0);
    assert.deepEqual(
      chunks.filter((path) => !loaded.includes(`/${basename(path)}"`)),
      [],
    );
    const migrations = packed.paths.filter((path) => path.startsWith('dist/migrations/'));
    assert.deepEqual(
      migrations.filter((path) => !existsSync(join(PROJECT, sourceOf(path)))),
      [],
    );
  });

  withDatabase(startPostgres, 'grizzly', (database) => {
    test('installs globally into a prefix of its own, and runs there', async (t) => {
      const { server, rows } = database();
      await rows.network({ id: networkId(1), type: 'local' });
      await rows.port({ id: portId(1), network: networkId(1), host: 'host1' });
      const namespace = makeNamespace(t);
      makeTapsOf(namespace, portId(1));
      const prefix = privateFolder('prefix');
      const options = ['--global', '--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund'];
      const installed = run('npm', 'install', ...options, packed.file);
      assert.equal(installed.status, 0, installed.stderr);
      const program = join(prefix, 'bin', 'quantum-linuxbridge-agent');
      assert.match(command(program, '--version'), /^\d+\.\d+\.\d+\n$/);
      assert.match(command(program, 'schema', 'sql', '--dialect', 'postgresql'), /create table/i);

      const settings = ['--sql-connection', socketUrl(server), '--host', 'host1', '--state-dir', prefix];
      const ran = run('ip', 'netns', 'exec', namespace, program, '--json', ...settings, 'plan');
      assert.equal(ran.status, 2, ran.stderr);
      assert.ok(
        (JSON.parse(ran.stdout) as { operations: { op: string; device: string }[] }).operations.some(
          ({ op, device }) => op === 'attach' && device === tapOf(portId(1)),
        ),
      );
    });
  });
});
