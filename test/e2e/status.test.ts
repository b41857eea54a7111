import assert from 'node:assert/strict';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { AgentStatus, TapStatus } from '../../src/model/index.js';
import { startPostgres } from '../support/databases/postgres.js';
import { systemUser, waitUntil } from '../support/databases/servers.js';
import { makeConfig, type Ran, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  networkId,
  portId,
  type TestDatabase,
  tapOf,
  waitForMaster,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { type Cleanup, command } from '../support/host/netns.js';

const [LOCAL, FLAT, BLOCKED] = [networkId(1), networkId(2), networkId(3)];
const STRANGER = portId(9);
/** /run of the machine is not touched: the agent has one of its own. */
const WITH_OWN_RUN = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /run && exec "$@"', 'sh'];

/** Ports 1 (local), 2 (flat), 3 (unmapped), 4 (admin down), and a tap without a row; all taps are here. */
async function makeCloud(t: Cleanup, { server, rows }: TestDatabase, agent: readonly string[] = []) {
  const { namespace } = makeHost(t);
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
  await rows.network({ id: BLOCKED, type: 'vlan', physicalNetwork: 'elsewhere', vlanId: 7 });
  await rows.port({ id: portId(1), network: LOCAL });
  await rows.port({ id: portId(2), network: FLAT });
  await rows.port({ id: portId(3), network: BLOCKED });
  await rows.port({ id: portId(4), network: LOCAL, adminUp: false });
  makeTapsOf(namespace, portId(1), portId(2), portId(3), portId(4), STRANGER);
  const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1', agent });
  const cli = (...args: readonly string[]): Promise<Ran> =>
    runCli(namespace, ['--config-file', config.path, ...args]);
  const status = async (): Promise<AgentStatus> => JSON.parse((await cli('--json', 'status')).stdout);
  const start = async () => {
    const running = await startAgent(t, namespace, config);
    await waitForStatus(rows, portId(2), 'ACTIVE');
    return running;
  };
  return { namespace, config, cli, status, start };
}

const stateOf = ({ taps }: AgentStatus, port: string): Pick<TapStatus, 'state' | 'why'> | undefined =>
  taps.find(({ tap }) => tap === tapOf(port));

withDatabase(startPostgres, 'folsom', (database) => {
  test('status --json tells of every network and tap how it stands and why', async (t) => {
    const { status, start } = await makeCloud(t, database());
    await start();
    const seen = await status();

    assert.equal(seen.host, 'host1');
    assert.equal(seen.generation, 'folsom');
    assert.equal(seen.database.state, 'up');
    assert.deepEqual(
      seen.networks.map(({ id, bridge, segment, physicalNetwork, uplink, state }) => {
        return { id, bridge, segment, physicalNetwork, uplink, state };
      }),
      [
        {
          id: LOCAL,
          bridge: bridgeOf(LOCAL),
          segment: 'local',
          physicalNetwork: null,
          uplink: null,
          state: 'served',
        },
        {
          id: FLAT,
          bridge: bridgeOf(FLAT),
          segment: 'flat on eth1',
          physicalNetwork: 'physnet1',
          uplink: 'eth1',
          state: 'served',
        },
        {
          id: BLOCKED,
          bridge: null,
          segment: null,
          physicalNetwork: 'elsewhere',
          uplink: null,
          state: 'blocked',
        },
      ],
    );
    assert.equal(stateOf(seen, portId(1))?.state, 'wired');
    assert.equal(stateOf(seen, portId(2))?.state, 'wired');
    assert.equal(stateOf(seen, portId(3))?.state, 'blocked');
    assert.match(String(stateOf(seen, portId(3))?.why), /physical network elsewhere/);
    assert.equal(stateOf(seen, portId(4))?.state, 'down');
    assert.equal(stateOf(seen, STRANGER)?.state, 'no-row');
    assert.ok(
      seen.warnings.some(({ code, port }) => code === 'PHYSICAL_NETWORK_UNMAPPED' && port === portId(3)),
    );
    assert.ok(
      seen.changes.some(
        ({ op, device, error }) => op === 'attach' && device === tapOf(portId(1)) && error === null,
      ),
    );
    assert.ok(seen.passes.some(({ operations, failed }) => operations > 0 && failed === 0));
  });

  test('status prints a table of at most 80 columns, without colour when it is no terminal', async (t) => {
    const { cli, start } = await makeCloud(t, database());
    await start();
    const { code, stdout } = await cli('status');
    assert.equal(code, 0);
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.length > 80),
      [],
    );
    assert.ok(!stdout.includes('\u001b'));
    assert.match(stdout, new RegExp(`^${FLAT}  ${bridgeOf(FLAT)}   eth1             served$`, 'm'));
    assert.match(stdout, /PHYSICAL_NETWORK_UNMAPPED/);
    assert.match(stdout, /^database {3}up for .* \(folsom, server\s+\/\S+\)$/m);
  });

  test('while the database is down, status tells since when and why, and the taps stay wired', async (t) => {
    const { namespace, status, start } = await makeCloud(t, database());
    const agent = await start();
    const { server } = database();
    await server.stop();
    try {
      await agent.line('database lost, the data plane stays as it is');
      // A pass from memory follows, which knows less than the last answer did.
      makeTapsOf(namespace, portId(8));
      const newcomer = async () => stateOf(await status(), portId(8))?.state === 'unknown';
      await waitUntil(newcomer, 'the new tap is seen');
      const seen = await status();
      assert.equal(seen.database.state, 'down');
      assert.ok(seen.database.sinceMs >= (seen.database.lastGoodPollAtMs ?? Number.POSITIVE_INFINITY));
      assert.ok(String(seen.database.error).length > 0 && seen.database.failedPolls > 0);
      assert.equal(stateOf(seen, portId(1))?.state, 'wired');
      assert.equal(stateOf(seen, STRANGER)?.state, 'no-row');
    } finally {
      await server.start();
    }
  });

  test('held removals are shown with the taps they would cut', async (t) => {
    const { status, start } = await makeCloud(t, database());
    await start();
    await database().server.query('delete from ports', 'quantum');
    await waitUntil(async () => (await status()).held.length > 0, 'removals are held');
    const seen = await status();
    assert.equal(stateOf(seen, portId(1))?.state, 'held');
    assert.match(String(stateOf(seen, portId(1))?.why), /wholly empty/);
  });

  test('without an agent status says so, shows the host as it is, and exits 69', async (t) => {
    const { namespace, cli } = await makeCloud(t, database());
    assert.equal((await cli('once')).code, 0);
    await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(LOCAL));

    const { code, stdout, stderr } = await cli('status');
    assert.equal(code, 69);
    assert.match(stderr, /NO_AGENT: no agent runs here/);
    assert.match(stdout, new RegExp(`^${LOCAL}  ${bridgeOf(LOCAL)}`, 'm'));

    const json = await cli('--json', 'status');
    assert.equal(json.code, 69);
    assert.equal(JSON.parse(json.stdout).running, false);
  });

  test('the control socket is for the agent’s user and the members of control_group', async (t) => {
    const group = command('getent', 'group', 'daemon').split(':')[2] ?? '';
    const { config, start } = await makeCloud(t, database(), ['control_group = daemon']);
    await start();
    const [socket] = command('find', config.runDir, '-type', 's').trim().split('\n');
    const { mode, gid } = statSync(join(socket ?? ''));
    assert.equal(mode & 0o777, 0o660);
    assert.equal(gid, Number(group));
  });

  test('a member of control_group with a run_dir of their own asks the agent of the system', async (t) => {
    const { namespace, config } = await makeCloud(t, database());
    const member = systemUser('daemon') ?? { uid: 1, gid: 1 };
    chmodSync(dirname(config.path), 0o755);
    config.write({
      url: socketUrl(database().server),
      agent: [`state_dir = ${config.stateDir}`, `control_group = ${member.gid}`],
      folders: 'default',
    });
    const agent = await startAgent(t, namespace, config, { prefix: WITH_OWN_RUN });
    await agent.line('host changed');
    const { code, stdout, stderr } = await runCli(namespace, ['--config-file', config.path, 'status'], {
      prefix: [
        ...['nsenter', `--mount=/proc/${agent.pid}/ns/mnt`, '--'],
        ...['setpriv', `--reuid=${member.uid}`, `--regid=${member.gid}`, '--clear-groups', '--'],
      ],
      environment: { HOME: '/nonexistent', XDG_RUNTIME_DIR: '/nonexistent' },
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`^${LOCAL}  ${bridgeOf(LOCAL)}`, 'm'));
  });

  test('a member of control_group needs no password for status, check and accept, and is told of it by the rest', async (t) => {
    const { namespace, config } = await makeCloud(t, database());
    const member = systemUser('daemon') ?? { uid: 1, gid: 1 };
    const passwordFile = join(dirname(config.path), 'password');
    writeFileSync(passwordFile, 'secret', { mode: 0o600 });
    chmodSync(dirname(config.path), 0o755);
    config.write({
      url: socketUrl(database().server),
      database: [`sql_password_file = ${passwordFile}`],
      agent: [`control_group = ${member.gid}`],
    });
    const agent = await startAgent(t, namespace, config);
    await agent.line('host changed');
    const prefix = ['setpriv', `--reuid=${member.uid}`, `--regid=${member.gid}`, '--clear-groups', '--'];
    const cli = (...args: readonly string[]): Promise<Ran> =>
      runCli(namespace, ['--config-file', config.path, ...args], { prefix });
    for (const [command, code] of [
      ['status', 0],
      ['accept', 0],
      ['check', 1],
    ] as const) {
      const ran = await cli(command);
      assert.deepEqual({ command, code: ran.code, stderr: ran.stderr }, { command, code, stderr: '' });
    }
    const said =
      /sql_password_file is of no use: The password file \S+ cannot be read \(EACCES\)\. Make the file/;
    for (const command of ['run', 'once', 'plan', 'explain brq', 'fleet', 'config check']) {
      const { code, stderr } = await cli(...command.split(' '));
      assert.equal(code, 78, command);
      assert.match(stderr, said);
    }
    const direct = await cli('check', '--direct');
    assert.equal(direct.code, 3);
    assert.match(direct.stdout, said);
  });
});
