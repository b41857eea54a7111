import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { privateFolder, systemUser } from '../support/databases/servers.js';
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
const NOBODY = systemUser('nobody') ?? { uid: 65534, gid: 65534 };
/** An ordinary user that may change network devices, and nothing else. */
const AS_NOBODY = [
  'setpriv',
  `--reuid=${NOBODY.uid}`,
  `--regid=${NOBODY.gid}`,
  '--clear-groups',
  '--inh-caps=+net_admin',
  '--ambient-caps=+net_admin',
  '--bounding-set=-all,+net_admin',
  '--no-new-privs',
  '--',
];

/** The configuration is readable for everybody; `state` and `run` can be made beside it or not. */
async function makeCloud(t: Cleanup, { server, rows }: TestDatabase, folder: 'writable' | 'forbidden') {
  const { namespace } = makeHost(t);
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
  await rows.port({ id: portId(1), network: LOCAL });
  await rows.port({ id: portId(2), network: FLAT });
  ip(namespace, 'address', 'add', '10.1.0.5/24', 'dev', 'eth1');
  ip(namespace, 'route', 'add', 'default', 'via', '10.1.0.1');
  const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1' });
  chmodSync(dirname(config.path), 0o755);
  if (folder === 'writable') chownSync(dirname(config.path), NOBODY.uid, NOBODY.gid);
  return { namespace, rows, server, config };
}

describe('an ordinary user with CAP_NET_ADMIN alone', () => {
  withDatabase(startPostgres, 'folsom', (database) => {
    test('does the whole job: bridges, a flat network with the host’s addresses, a deleted network', async (t) => {
      const { namespace, rows, server, config } = await makeCloud(t, database(), 'writable');
      const agent = await startAgent(t, namespace, config, { prefix: AS_NOBODY });
      assert.match(readFileSync(`/proc/${agent.pid}/status`, 'utf8'), /CapEff:\s+0000000000001000\n/);
      makeTapsOf(namespace, portId(1), portId(2));
      for (const port of [portId(1), portId(2)]) await waitForStatus(rows, port, 'ACTIVE');
      assert.equal(masterOf(namespace, 'eth1'), bridgeOf(FLAT));
      assert.match(ip(namespace, 'route', 'show', 'default'), new RegExp(`dev ${bridgeOf(FLAT)}`));
      ip(namespace, 'link', 'del', tapOf(portId(2)));
      await server.query(
        `delete from ports where network_id = '${FLAT}'; delete from network_bindings where network_id = '${FLAT}';
         delete from networks where id = '${FLAT}'`,
        'quantum',
      );
      await waitForMaster(namespace, bridgeOf(FLAT), undefined);
      assert.match(ip(namespace, 'route', 'show', 'default'), /dev eth1/);
      assert.deepEqual(
        agent.lines().filter(({ level }) => level >= 50),
        [],
      );
    });

    test('finds again what was held, also when root has run a command in its folder meanwhile', async (t) => {
      const { namespace, server, config } = await makeCloud(t, database(), 'writable');
      makeTapsOf(namespace, portId(1), portId(2));
      const once = async (prefix: readonly string[]) =>
        (await runCli(namespace, ['--config-file', config.path, 'once'], { prefix })).code;
      assert.equal(await once(AS_NOBODY), 0);
      await server.query('create table kept as select * from ports; delete from ports', 'quantum');
      assert.deepEqual([await once(AS_NOBODY), await once([])], [3, 3]);
      await server.query(`insert into ports select * from kept where id = '${portId(1)}'`, 'quantum');
      assert.equal(await once(AS_NOBODY), 3, 'what is held stays so until all of it is back');
      assert.equal(masterOf(namespace, tapOf(portId(2))), bridgeOf(FLAT));
    });

    test('is let down by no folder: what cannot be written is told once, and the taps are wired', async (t) => {
      const { namespace, rows, config } = await makeCloud(t, database(), 'forbidden');
      makeTapsOf(namespace, portId(1));
      const agent = await startAgent(t, namespace, config, { prefix: AS_NOBODY });
      await waitForStatus(rows, portId(1), 'ACTIVE');
      const { error } = await agent.line('no control socket, accept and status cannot reach this agent');
      assert.match(String(error), /EACCES/);
      assert.ok(!existsSync(config.stateDir));
      agent.signal('SIGTERM');
      assert.equal(await agent.ended(), 0);
    });

    test('once wires and exits 0 although state_dir cannot be written, and says so', async (t) => {
      const { namespace, rows, config } = await makeCloud(t, database(), 'forbidden');
      makeTapsOf(namespace, portId(1));
      const args = ['--config-file', config.path, 'once'];
      const { code, stderr } = await runCli(namespace, args, { prefix: AS_NOBODY });
      assert.equal(code, 0);
      assert.match(stderr, /state/);
      assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(LOCAL));
      assert.equal(await rows.statusOf(portId(1)), 'ACTIVE');
    });

    test('keeps its files in the XDG folders, for itself alone, when the configuration names none', async (t) => {
      const { namespace, config } = await makeCloud(t, database(), 'writable');
      const home = privateFolder('home');
      const folders = { XDG_STATE_HOME: join(home, 'state'), XDG_RUNTIME_DIR: join(home, 'run') };
      for (const folder of [home, ...Object.values(folders)]) {
        mkdirSync(folder, { recursive: true });
        chownSync(folder, NOBODY.uid, NOBODY.gid);
      }
      config.write({ url: socketUrl(database().server), folders: 'default' });
      const agent = await startAgent(t, namespace, config, { prefix: AS_NOBODY, environment: folders });
      const runDir = join(folders.XDG_RUNTIME_DIR, 'quantum-linuxbridge-agent');
      const accept = await runCli(namespace, ['--config-file', config.path, 'accept'], {
        prefix: AS_NOBODY,
        environment: folders,
      });
      assert.equal(accept.code, 0, accept.stderr);
      const [socket = ''] = readdirSync(runDir);
      assert.equal(statSync(join(runDir, socket)).mode & 0o777, 0o660);
      agent.signal('SIGTERM');
      assert.equal(await agent.ended(), 0);
    });

    test('a database socket that the user may not use is told as that, without advice about hosts and firewalls', async (t) => {
      const { namespace, server, config } = await makeCloud(t, database(), 'forbidden');
      const socket = join(server.folder, `.s.PGSQL.${server.port}`);
      const { mode } = statSync(socket);
      chmodSync(socket, 0o600);
      t.after(() => chmodSync(socket, mode));
      const { code, stderr } = await runCli(namespace, ['--config-file', config.path, 'plan'], {
        prefix: AS_NOBODY,
      });
      assert.equal(code, 75);
      assert.match(
        stderr,
        /DATABASE_SOCKET_FORBIDDEN: .*may not use its socket: connect EACCES .*\n.*this one use the socket/,
      );
    });

    test('another ordinary user may not accept removals: 77', async (t) => {
      const { namespace, config } = await makeCloud(t, database(), 'writable');
      await startAgent(t, namespace, config, { prefix: AS_NOBODY });
      const { code, stderr } = await runCli(namespace, ['--config-file', config.path, 'accept'], {
        prefix: ['setpriv', '--reuid=12345', '--regid=12345', '--clear-groups', '--'],
      });
      assert.equal(code, 77, stderr);
      assert.match(stderr, /control socket/);
    });
  });
});
