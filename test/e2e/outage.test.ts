import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitUntil } from '../support/databases/servers.js';
import {
  type ConfigFile,
  makeConfig,
  type RunningAgent,
  runCli,
  socketUrl,
  startAgent,
} from '../support/host/agent.js';
import {
  bridgeOf,
  linkNames,
  makeHost,
  makeTapsOf,
  networkId,
  onUsualEngine,
  portId,
  type TestDatabase,
  tapOf,
  waitForMaster,
  waitForStatus,
} from '../support/host/host.js';
import { type Cleanup, ip } from '../support/host/netns.js';
import { startQuietWitness } from '../support/host/witness.js';

const [LOCAL, FLAT] = [networkId(1), networkId(2)];
const [LOST, BACK] = ['database lost, the data plane stays as it is', 'database is back'];

/** How a server goes away and comes back, as the agent meets it. */
const OUTAGES = [
  {
    name: 'killed with SIGKILL and started again',
    begin: ({ server }: TestDatabase) => server.kill(),
    end: ({ server }: TestDatabase) => server.start(),
  },
  {
    name: 'frozen with SIGSTOP and continued',
    begin: async ({ server }: TestDatabase) => server.freeze(),
    end: async ({ server }: TestDatabase) => server.thaw(),
  },
];

/** A host with ports 1 (local) and 2 (flat, with the host's address on its uplink), both wired and ACTIVE. */
async function makeWiredHost(t: Cleanup, { server, rows }: TestDatabase, database: readonly string[] = []) {
  const { namespace } = makeHost(t);
  ip(namespace, 'address', 'add', '10.1.0.5/24', 'dev', 'eth1');
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
  await rows.port({ id: portId(1), network: LOCAL });
  await rows.port({ id: portId(2), network: FLAT });
  makeTapsOf(namespace, portId(1), portId(2));
  const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1', database });
  const agent = await startAgent(t, namespace, config);
  for (const port of [portId(1), portId(2)]) await waitForStatus(rows, port, 'ACTIVE');
  return { namespace, config, agent };
}

/** Starts the server again whatever became of the test, so that the next one has it. */
async function during(database: TestDatabase, outage: (typeof OUTAGES)[number], work: () => Promise<void>) {
  await outage.begin(database);
  try {
    await work();
  } finally {
    await outage.end(database);
  }
}

const retriesLogged = (agent: RunningAgent): number => agent.saying('database still down').length;

onUsualEngine('MariaDB', 'folsom', (database) => {
  for (const outage of OUTAGES) {
    test(`a server that is ${outage.name} costs not one link event, and is told once when lost and once when back`, async (t) => {
      const { namespace, agent, config } = await makeWiredHost(t, database());
      verbosely(config, database());
      agent.signal('SIGHUP');
      await agent.line('settings read again');
      const witness = await startQuietWitness(t, namespace);

      await during(database(), outage, async () => {
        await agent.line(LOST);
        await waitUntil(() => retriesLogged(agent) >= 2, 'two retries');
        await witness.expectNothingOn(...linkNames(namespace));
      });

      await agent.line(BACK);
      await rowsArePolledAgain(database(), agent);
      await witness.expectNothingOn(...linkNames(namespace));
      assert.equal(agent.saying(LOST).length, 1);
      assert.equal(agent.saying(BACK).length, 1);
      assert.deepEqual(
        agent.lines().filter(({ level, msg }) => level >= 40 && msg !== LOST && msg !== 'warning'),
        [],
      );
    });

    test(`while the server is ${outage.name.split(' ')[0]}, a new tap of a known port is wired`, async (t) => {
      const { namespace, agent } = await makeWiredHost(t, database());
      await during(database(), outage, async () => {
        await agent.line(LOST);
        ip(namespace, 'link', 'del', tapOf(portId(1)));
        makeTapsOf(namespace, portId(1));
        await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(LOCAL));
      });
      await agent.line(BACK);
    });

    test(`an agent that is told to end while the server is ${outage.name.split(' ')[0]} ends within the limits`, async (t) => {
      const { agent } = await makeWiredHost(t, database());
      await during(database(), outage, async () => {
        await agent.line(LOST);
        agent.signal('SIGTERM');
        // One second to connect, one for the schema, one for the answer, one for the good-bye.
        assert.equal(await agent.ended(5000), 0);
      });
    });

    test(`plan and once exit 75 within the limits while the server is ${outage.name.split(' ')[0]}`, async (t) => {
      const { namespace, agent, config } = await makeWiredHost(t, database());
      agent.signal('SIGTERM');
      await agent.ended();
      await during(database(), outage, async () => {
        for (const command of ['plan', 'once']) {
          const { code, stdout, stderr } = await runCli(namespace, ['--config-file', config.path, command]);
          assert.deepEqual({ code, stdout }, { code: 75, stdout: '' });
          assert.match(stderr, /DATABASE_UNREACHABLE: (PostgreSQL|MySQL) at .*\.\n/);
        }
      });
    });
  }

  test('a status that could not be written because the server went away is written when it is back', async (t) => {
    const { namespace, agent } = await makeWiredHost(t, database());
    const { server, rows } = database();
    await server.query("update ports set status = 'BUILD'", 'quantum');
    await server.kill();
    await agent.line(LOST);
    ip(namespace, 'link', 'set', tapOf(portId(1)), 'nomaster');
    await server.start();
    for (const port of [portId(1), portId(2)]) await waitForStatus(rows, port, 'ACTIVE');
    await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(LOCAL));
  });

  test('run ends with 75 when sql_max_retries is used up, and leaves the data plane', async (t) => {
    const { namespace, agent } = await makeWiredHost(t, database(), ['sql_max_retries = 2']);
    const witness = await startQuietWitness(t, namespace);
    await database().server.kill();
    try {
      assert.equal(await agent.ended(), 75);
      const [gaveUp] = agent.saying('gave up');
      assert.equal(gaveUp?.tries, 3);
      await witness.expectNothingOn(...linkNames(namespace));
    } finally {
      await database().server.start();
    }
  });
});

/** Retries are told at the level debug only. */
function verbosely(config: ConfigFile, { server }: TestDatabase): void {
  config.write({ url: socketUrl(server), mappings: 'physnet1:eth1', agent: ['log_level = debug'] });
}

/** Shows that polls go on: a status that was changed by hand is set right. */
async function rowsArePolledAgain({ server, rows }: TestDatabase, agent: RunningAgent): Promise<void> {
  const before = agent.lines().length;
  await server.query("update ports set status = 'BUILD'", 'quantum');
  await agent.line('statuses written', before);
  for (const port of [portId(1), portId(2)]) await waitForStatus(rows, port, 'ACTIVE');
}
