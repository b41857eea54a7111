import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { startPostgres } from '../support/databases/postgres.js';
import { freePort, waitUntil } from '../support/databases/servers.js';
import { makeConfig, PROGRAM, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  makeHost,
  makeTapsOf,
  networkId,
  portId,
  type TestDatabase,
  withDatabase,
} from '../support/host/host.js';
import { makeNamespace, makeTap } from '../support/host/netns.js';

/** An agent that reported itself now, as PostgreSQL is told. */
const reporting = (host: string, told = ''): string =>
  `insert into agents values ('id-${host}', 'Linux bridge agent', 'neutron-linuxbridge-agent', 'N/A', '${host}', true,
   timezone('utc', now()), timezone('utc', now()), timezone('utc', now()), null, '{${told}"devices": 1}')`;

const configFor = ({ server }: TestDatabase): string => makeConfig({ url: socketUrl(server) }).path;

describe('fleet on ML2', () => {
  withDatabase(startPostgres, 'ml2-zed', (database) => {
    test('a fleet whose agents all report themselves ends with 0, as a table and as JSON', async (t) => {
      await database().server.query(reporting('compute-1'), 'quantum');
      const options = ['--config-file', configFor(database())];
      const namespace = makeNamespace(t);
      const table = await runCli(namespace, [...options, 'fleet']);
      assert.equal(table.code, 0, table.stderr);
      assert.match(
        table.stdout,
        /^1 host\(s\), 0 without a living agent.*\nHOST .*\ncompute-1 +alive +\d s ago/,
      );
      const json = await runCli(namespace, [...options, '--json', 'fleet']);
      assert.equal(JSON.parse(json.stdout).hosts[0].state, 'alive');
    });

    test('a host with ports and no agent is named first and ends with 1', async (t) => {
      const { server, rows } = database();
      await server.query(reporting('compute-1'), 'quantum');
      await rows.network({ id: networkId(1), type: 'local' });
      await rows.port({ id: portId(1), network: networkId(1), host: 'compute-2' });
      const ran = await runCli(makeNamespace(t), ['--config-file', configFor(database()), 'fleet']);
      assert.equal(ran.code, 1);
      assert.match(ran.stdout.split('\n')[2] ?? '', /^compute-2 +NO AGENT/);
    });

    test('two hosts that say that their tunnels end at one address are told, and each in its line', async (t) => {
      const { server } = database();
      for (const host of ['compute-1', 'compute-2'])
        await server.query(reporting(host, '"tunneling_ip": "192.0.2.7", '), 'quantum');
      await server.query(reporting('compute-3', '"tunneling_ip": "192.0.2.8", '), 'quantum');
      const ran = await runCli(makeNamespace(t), ['--config-file', configFor(database()), 'fleet']);
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stdout, /^3 host\(s\), .*, 2 with another's tunnel endpoint/);
      assert.match(ran.stdout, /^compute-1 .* 192\.0\.2\.7 \(ALSO compute-2\) /m);
      assert.match(ran.stdout, /^compute-3 .* 192\.0\.2\.8 +0 /m);
    });

    test('what rows and devices are called steers no terminal and makes no line of its own: it is shown', async (t) => {
      const { server, rows } = database();
      const hostile = 'evil\u001b]0;owned\u0007\u202e\u009b2J\nFAKE alive';
      await server.query(reporting(hostile), 'quantum');
      await rows.network({ id: networkId(1), type: 'local' });
      await rows.port({ id: portId(1), network: networkId(1), host: 'host1' });
      await server.query(`update ports set status = '\u001b[2J\nACTIVE'`, 'quantum');
      const { namespace } = makeHost(t);
      makeTapsOf(namespace, portId(1));
      makeTap(namespace, 'tap\u001b[5m\u202e');
      const config = makeConfig({ url: socketUrl(server) });
      await startAgent(t, namespace, makeConfig({ url: socketUrl(server), database: ['read_only = true'] }));
      for (const command of [['fleet'], ['plan'], ['status'], ['explain', 'tap'], ['check', '--direct']]) {
        for (const form of [[], ['--json']]) {
          const ran = await runCli(namespace, ['--config-file', config.path, ...form, ...command]);
          const shown = ran.stdout + ran.stderr;
          assert.doesNotMatch(shown.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u, command.join(' '));
          assert.doesNotMatch(shown, /^(FAKE|ACTIVE)/m, command.join(' '));
        }
      }
      const { stdout } = await runCli(namespace, ['--config-file', config.path, '--json', 'fleet']);
      assert.ok(JSON.parse(stdout).hosts.some(({ host }: { host: string }) => host === hostile));
    });

    test('the fleet of a cloud whose agents tell more of themselves than fits into its memory is shown', async (t) => {
      const { server } = database();
      await server.query(
        `insert into agents select 'id-' || n, 'Linux bridge agent', 'neutron-linuxbridge-agent', 'N/A', 'compute-' || n, true,
         timezone('utc', now()), timezone('utc', now()), timezone('utc', now()), null, repeat('x', 4000) || '{"devices": 7}'
         from generate_series(1, 20000) n`,
        'quantum',
      );
      const config = makeConfig({ url: socketUrl(server), database: ['query_timeout = 60'] });
      const args = ['--config-file', config.path, '--json', 'fleet'];
      const ran = await runCli(makeNamespace(t), args, { flags: ['--max-heap-size=64'] });
      assert.equal(ran.stderr, '');
      const { hosts } = JSON.parse(ran.stdout) as { hosts: { devices: number }[] };
      assert.equal(hosts.filter(({ devices }) => devices === 7).length, 20_000, ran.stderr);
    });

    test('a fleet of more rows than are read is told to be cut', async (t) => {
      const { server } = database();
      await server.query(
        `insert into agents select 'cut-' || n, 'Linux bridge agent', 'a', 'N/A', 'compute-' || n, true,
         timezone('utc', now()), timezone('utc', now()), timezone('utc', now()), null, '{}'
         from generate_series(1, 100000) n`,
        'quantum',
      );
      const config = makeConfig({ url: socketUrl(server), database: ['query_timeout = 60'] });
      const ran = await runCli(makeNamespace(t), ['--config-file', config.path, '--json', 'fleet']);
      assert.match(ran.stderr, /more rows than are read/);
      assert.equal(JSON.parse(ran.stdout).isCut, true);
    });

    test('--watch looks again and again, until nobody reads it', async (t) => {
      const { server } = database();
      const child = spawn(process.execPath, [
        PROGRAM,
        '--config-file',
        configFor(database()),
        '--json',
        'fleet',
        '--watch',
        '1',
      ]);
      t.after(() => child.kill('SIGKILL'));
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      await waitUntil(() => text.includes('"hosts":[]'), 'the empty fleet');
      await server.query(reporting('compute-1'), 'quantum');
      await waitUntil(() => text.includes('compute-1'), 'the new agent');
      child.stdout.destroy();
      await waitUntil(() => child.exitCode === 0, 'its end, as nobody reads it any more');
    });
  });
});

describe('fleet on Folsom', () => {
  withDatabase(startMariadb, 'folsom', (database) => {
    test('a generation without agents ends with 78 and a sentence', async (t) => {
      const ran = await runCli(makeNamespace(t), ['--config-file', configFor(database()), 'fleet']);
      assert.equal(ran.code, 78);
      assert.match(ran.stderr, /folsom generation, in which agents do not report themselves/);
    });
  });
});

test('fleet on a server that does not answer ends with 75', async (t) => {
  const config = makeConfig({ url: `mysql://quantum:x@127.0.0.1:${await freePort()}/quantum` });
  const ran = await runCli(makeNamespace(t), ['--config-file', config.path, 'fleet']);
  assert.equal(ran.code, 75);
});
