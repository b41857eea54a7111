import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { rowsOf } from '../support/databases/rows.js';
import { createSchema } from '../support/databases/tables.js';
import { makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  linkNames,
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
import { type Cleanup, ip, makeVeth } from '../support/host/netns.js';
import { startQuietWitness } from '../support/host/witness.js';

const [LOCAL, FLAT] = [networkId(1), networkId(2)];

async function makeCloud(t: Cleanup, { server, rows }: TestDatabase) {
  const host = makeHost(t);
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
  await rows.port({ id: portId(1), network: LOCAL });
  await rows.port({ id: portId(2), network: FLAT });
  makeTapsOf(host.namespace, portId(1), portId(2));
  const sections = { url: socketUrl(server), mappings: 'physnet1:eth1' };
  const config = makeConfig(sections);
  const cli = (...args: readonly string[]) => runCli(host.namespace, ['--config-file', config.path, ...args]);
  const start = () => startAgent(t, host.namespace, config);
  return { ...host, rows, server, sections, config, cli, start };
}

/** Waits until both ports are ACTIVE. */
async function isWired({ rows }: Pick<TestDatabase, 'rows'>): Promise<void> {
  for (const port of [portId(1), portId(2)]) await waitForStatus(rows, port, 'ACTIVE');
}

describe('the life of an agent', () => {
  withDatabase(startMariadb, 'folsom', (database) => {
    test('an agent that starts on a host that is already right changes nothing, nor when it ends', async (t) => {
      const cloud = await makeCloud(t, database());
      await cloud.cli('once');
      const links = linkNames(cloud.namespace);
      const witness = await startQuietWitness(t, cloud.namespace);

      const agent = await cloud.start();
      for (let poll = 0; poll < 3; poll++) {
        await cloud.server.query("update ports set status = 'BUILD'", 'quantum');
        await isWired(cloud);
      }
      agent.signal('SIGTERM');

      assert.equal(await agent.ended(), 0);
      await witness.expectNothingOn(...links);
      assert.equal(agent.saying('host changed').length, 0);
    });

    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      test(`${signal} ends the agent with 0, its socket file goes, the data plane stays`, async (t) => {
        const { namespace, config, start, rows } = await makeCloud(t, database());
        const agent = await start();
        await isWired({ rows });
        const links = linkNames(namespace);
        const witness = await startQuietWitness(t, namespace);
        assert.equal(readdirSync(config.runDir).length, 1);

        agent.signal(signal);

        assert.equal(await agent.ended(), 0);
        assert.equal(agent.saying('stopping, the data plane stays as it is')[0]?.signal, signal);
        assert.deepEqual(readdirSync(config.runDir), []);
        await witness.expectNothingOn(...links);
      });
    }

    test('an agent that was killed leaves no trace that hinders the next one', async (t) => {
      const { start, cli, rows } = await makeCloud(t, database());
      const first = await start();
      await isWired({ rows });
      first.signal('SIGKILL');
      await first.ended();
      const second = await start();
      assert.deepEqual(await cli('accept'), { code: 0, stdout: 'nothing is held\n', stderr: '' });
      second.signal('SIGTERM');
      assert.equal(await second.ended(), 0);
    });

    test('after SIGHUP a new mapping takes effect', async (t) => {
      const { namespace, outside, start, rows, config, sections } = await makeCloud(t, database());
      makeVeth(namespace, 'eth2', outside, 'far2');
      const agent = await start();
      await isWired({ rows });

      config.write({ ...sections, mappings: 'physnet1:eth2' });
      agent.signal('SIGHUP');

      await agent.line('settings read again');
      await waitForMaster(namespace, 'eth2', bridgeOf(FLAT));
      await waitForMaster(namespace, 'eth1', null);
      await waitForMaster(namespace, tapOf(portId(2)), bridgeOf(FLAT));
    });

    test('after SIGHUP a changed host waits for the next start, which the log says; the rest takes effect', async (t) => {
      const { start, rows, config, sections, cli } = await makeCloud(t, database());
      const agent = await start();
      await isWired({ rows });

      config.write({ ...sections, agent: ['host = host2', 'log_level = debug'] });
      agent.signal('SIGHUP');

      const { level, settings } = await agent.line('these settings take effect at the next start');
      assert.deepEqual({ level, settings }, { level: 40, settings: ['host'] });
      agent.signal('SIGHUP');
      // A debug line: the log level of the first reload counts.
      await agent.line('reading the settings again');
      assert.equal(JSON.parse((await cli('--json', 'status')).stdout).host, 'host1');
      agent.signal('SIGTERM');
      assert.equal(await agent.ended(), 0);
      const next = await start();
      assert.equal(next.lines()[0]?.host, 'host2');
    });

    test('after SIGHUP with wrong settings the old ones stay, and the log says what is wrong and where', async (t) => {
      const { namespace, start, rows, config } = await makeCloud(t, database());
      const agent = await start();
      await isWired({ rows });
      const witness = await startQuietWitness(t, namespace);

      writeFileSync(config.path, '[AGENT]\npolling_interval = soon\n');
      agent.signal('SIGHUP');

      const { problems } = await agent.line('settings are wrong, the old ones stay');
      assert.match(String(problems), /agent\.ini:2: polling_interval is not a length of time/);
      assert.match(String(problems), /sql_connection/);
      ip(namespace, 'link', 'set', tapOf(portId(1)), 'nomaster');
      await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(LOCAL));
      await witness.expectNothingOn(tapOf(portId(2)), bridgeOf(FLAT));
    });

    test('after SIGHUP the agent works with another database, also when the first one is frozen in a poll', async (t) => {
      const { namespace, start, server, rows, config, sections } = await makeCloud(t, database());
      const agent = await start();
      await isWired({ rows });
      const other = await startMariadb();
      t.after(() => other.destroy());
      await createSchema(other, 'folsom');
      const otherRows = rowsOf(other, 'folsom');
      await otherRows.network({ id: LOCAL, type: 'local' });
      await otherRows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
      await otherRows.port({ id: portId(1), network: LOCAL, adminUp: false });
      await otherRows.port({ id: portId(2), network: FLAT });
      server.freeze();
      try {
        config.write({ ...sections, url: socketUrl(other) });
        agent.signal('SIGHUP');
        await waitForMaster(namespace, tapOf(portId(1)), null);
      } finally {
        server.thaw();
      }
    });
  });
});
