import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { startPostgres } from '../support/databases/postgres.js';
import { makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  type TestDatabase,
  tapOf,
  waitForMaster,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { type Cleanup, ip } from '../support/host/netns.js';

const [LOCAL, FLAT] = [networkId(1), networkId(2)];
const NOBODY = '65534';
/** An ordinary user who has this one capability, and can never get another one. */
const ORDINARY_USER = [
  'setpriv',
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  '--inh-caps=-all,+net_admin',
  '--ambient-caps=-all,+net_admin',
  '--bounding-set=-all,+net_admin',
  '--no-new-privs',
];

async function makeCloud(t: Cleanup, { server, rows }: TestDatabase) {
  const { namespace } = makeHost(t);
  ip(namespace, 'address', 'add', '10.1.0.5/24', 'dev', 'eth1');
  ip(namespace, 'route', 'add', 'default', 'via', '10.1.0.1');
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
  for (const id of [portId(1), portId(3)]) await rows.port({ id, network: LOCAL });
  await rows.port({ id: portId(2), network: FLAT });
  makeTapsOf(namespace, portId(1), portId(2));
  const config = makeConfig({
    url: socketUrl(server),
    mappings: 'physnet1:eth1',
    agent: ['web_listen_address = 127.0.0.1:8800'],
  });
  for (const folder of [dirname(config.path), config.stateDir, config.runDir]) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
  }
  chmodSync(config.path, 0o644);
  // A server's socket must be reachable for every user.
  chmodSync(server.folder, 0o755);
  return { namespace, config };
}

/** Everything a running agent does: it wires, moves addresses, reloads, serves a new tap, is asked, and ends. */
async function work(t: Cleanup, database: TestDatabase, tracer: readonly string[]): Promise<void> {
  const { namespace, config } = await makeCloud(t, database);
  const prefix = [...ORDINARY_USER, ...tracer.map((word) => word.replace('FOLDER', dirname(config.path)))];
  const agent = await startAgent(t, namespace, config, { prefix });
  for (const port of [portId(1), portId(2)]) await waitForStatus(database.rows, port, 'ACTIVE');
  assert.equal(masterOf(namespace, 'eth1'), bridgeOf(FLAT));
  assert.match(ip(namespace, 'address', 'show', 'dev', bridgeOf(FLAT)), /10\.1\.0\.5/);
  assert.match(ip(namespace, 'route', 'show', 'default'), /10\.1\.0\.1/);
  agent.signal('SIGHUP');
  await agent.line('settings read again');
  makeTapsOf(namespace, portId(3));
  await waitForMaster(namespace, tapOf(portId(3)), bridgeOf(LOCAL));
  const status = await runCli(namespace, ['--config-file', config.path, '--json', 'status'], {
    prefix: ORDINARY_USER,
  });
  assert.equal(status.code, 0, status.stderr);
  agent.signal('SIGTERM');
  assert.equal(await agent.ended(), 0, agent.stderr());
  assert.deepEqual(
    agent.lines().filter(({ level, code }) => level >= 40 && code !== 'TAGGED_FRAMES_PASS'),
    [],
  );
  if (tracer.length > 0) assertStartedNothing(readFileSync(join(dirname(config.path), 'trace'), 'utf8'));
}

function assertStartedNothing(trace: string): void {
  const calls = trace.split('\n');
  const programs = calls.filter((call) => /\bexecve(at)?\(/.test(call));
  assert.equal(programs.length, 1, `programs were started:\n${programs.join('\n')}`);
  const processes = calls.filter((call) => /\b(clone3?|v?fork)\(/.test(call));
  assert.ok(processes.length > 0, 'the threads of Node are seen');
  const others = processes.filter((call) => !call.includes('CLONE_THREAD'));
  assert.deepEqual(others, []);
}

describe('an ordinary user with CAP_NET_ADMIN and nothing else', () => {
  describe('with PostgreSQL', () => {
    withDatabase(startPostgres, 'folsom', (database) => {
      test('the agent does all of its work, and starts no program and no process (strace)', async (t) => {
        // Detached, so that the process id stays the agent's.
        await work(t, database(), ['strace', '-D', '-f', '-e', 'trace=process', '-o', 'FOLDER/trace']);
      });

      test('without the capability, run and once end with 77 and change nothing', async (t) => {
        const { namespace, config } = await makeCloud(t, database());
        const prefix = [...ORDINARY_USER.slice(0, 4), '--inh-caps=-all', '--bounding-set=-all'];
        for (const command of ['run', 'once']) {
          const { code, stderr } = await runCli(namespace, ['--config-file', config.path, command], {
            prefix,
          });
          assert.equal(code, 77, stderr);
        }
        assert.equal(masterOf(namespace, tapOf(portId(1))), null);
      });
    });
  });
  describe('with MariaDB', () => {
    withDatabase(startMariadb, 'folsom', (database) => {
      test('the agent does all of its work', (t) => work(t, database(), []));
    });
  });
});
