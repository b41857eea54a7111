import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PASSWORD, type TestServer, waitUntil } from '../support/databases/servers.js';
import { makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  networkId,
  onUsualEngine,
  portId,
  tapOf,
  waitForMaster,
  waitForStatus,
} from '../support/host/host.js';
import { ip } from '../support/host/netns.js';

const LOCAL = networkId(1);
/** As it is, and as it stands in the URL. */
const SECRETS = [PASSWORD, encodeURIComponent(PASSWORD)];

function assertNoSecret(text: string): void {
  for (const secret of SECRETS) assert.ok(!text.includes(secret), `a password in:\n${text}`);
}

onUsualEngine('PostgreSQL', 'folsom', (database) => {
  test('the log is one JSON object a line, nothing is on stdout, and every line of a pass carries its id', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await rows.network({ id: LOCAL, type: 'local' });
    await rows.network({ id: networkId(2), type: 'flat', physicalNetwork: 'unmapped' });
    await rows.port({ id: portId(1), network: LOCAL });
    await rows.port({ id: portId(2), network: networkId(2) });
    makeTapsOf(namespace, portId(1), portId(2));
    const config = makeConfig({ url: socketUrl(server), agent: ['log_level = debug'] });
    const agent = await startAgent(t, namespace, config);
    await waitForStatus(rows, portId(1), 'ACTIVE');
    await agent.line('statuses written');
    agent.signal('SIGTERM');
    await agent.ended();

    const [changed] = agent.saying('host changed');
    assert.equal(typeof changed?.pass, 'string');
    const ofPass = agent.lines().filter(({ pass }) => pass === changed?.pass);
    for (const message of ['host changed', 'operation done', 'warning', 'statuses written']) {
      assert.ok(
        ofPass.some(({ msg }) => msg === message),
        message,
      );
    }
    assert.deepEqual(
      agent
        .lines()
        .filter(({ msg, pass }) => /^(operation|warning|statuses)/.test(msg) && pass === undefined),
      [],
    );
    assert.equal(agent.stdout(), '');
    for (const { time } of agent.lines()) assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  test('nothing is logged while nothing happens', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await rows.network({ id: LOCAL, type: 'local' });
    await rows.port({ id: portId(1), network: LOCAL });
    await rows.port({ id: portId(2), network: networkId(3) });
    makeTapsOf(namespace, portId(1), portId(2));
    const config = makeConfig({ url: socketUrl(server), agent: ['polling_interval = 0.05'] });
    const agent = await startAgent(t, namespace, config);
    await waitForStatus(rows, portId(1), 'ACTIVE');
    await agent.line('statuses written');
    const before = agent.lines().length;
    const polls = await countPolls(server);
    await waitUntil(async () => (await countPolls(server)) >= polls + 10, 'ten more polls');
    assert.deepEqual(agent.lines().slice(before), []);
  });

  test('a failure that comes again with every poll is logged once, and once more when it is over', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await rows.network({ id: LOCAL, type: 'local' });
    await rows.port({ id: portId(1), network: LOCAL });
    makeTapsOf(namespace, portId(1));
    // Takes the one receiver of the tap's frames, so that it cannot join a bridge.
    ip(namespace, 'link', 'add', 'mv0', 'link', tapOf(portId(1)), 'type', 'macvlan', 'mode', 'passthru');
    const config = makeConfig({ url: socketUrl(server), agent: ['polling_interval = 0.05'] });
    const agent = await startAgent(t, namespace, config);
    const FAILED = 'operation failed, it is tried again';
    await agent.line(FAILED);
    const polls = await countPolls(server);
    await waitUntil(async () => (await countPolls(server)) >= polls + 10, 'ten more polls');
    assert.deepEqual(
      agent.saying(FAILED).map(({ op, device, errno }) => `${op} ${device} ${errno}`),
      [`attach ${tapOf(portId(1))} EBUSY`],
    );
    assert.equal(agent.saying('host changed').length, 1);
    ip(namespace, 'link', 'del', 'mv0');
    await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(LOCAL));
    await agent.line('operations no longer fail');
  });

  test('no password is told anywhere: not while it works, not when the server refuses or is away', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await rows.network({ id: LOCAL, type: 'local' });
    const good = makeConfig({ url: socketUrl(server), agent: ['log_level = trace'] });
    const agent = await startAgent(t, namespace, good);
    await server.kill();
    try {
      await agent.line('database lost, the data plane stays as it is');
    } finally {
      await server.start();
    }
    await agent.line('database is back');
    agent.signal('SIGTERM');
    await agent.ended();
    assertNoSecret(agent.stderr() + agent.stdout());

    const missing = makeConfig({ url: socketUrl(server, 'nowhere') });
    for (const command of [
      ['plan'],
      ['once'],
      ['config', 'check'],
      ['config', 'show'],
      ['--json', 'config', 'show'],
    ]) {
      for (const { path } of [good, missing]) {
        const { stdout, stderr } = await runCli(namespace, ['--config-file', path, ...command]);
        assertNoSecret(stdout + stderr);
      }
    }
  });
});

/** How many transactions the server has ended so far; every poll is one. */
async function countPolls(server: TestServer): Promise<number> {
  const [row] = await server.query(
    server.engine === 'postgresql'
      ? "select xact_commit as polls from pg_stat_database where datname = 'quantum'"
      : "select variable_value as polls from information_schema.global_status where variable_name = 'COM_COMMIT'",
  );
  return Number(row?.polls);
}
