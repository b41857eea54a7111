import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ENGINES, usually } from '../support/databases/engines.js';
import type { TestGeneration } from '../support/databases/tables.js';
import { makeConfig, type RunningAgent, runCli, socketUrl, startAgent } from '../support/host/agent.js';
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
import type { Cleanup } from '../support/host/netns.js';
import { startQuietWitness } from '../support/host/witness.js';

const NETWORK = networkId(1);
const [LOST, BACK] = ['database lost, the data plane stays as it is', 'database is back'];

/** What somebody does to the schema under a running agent, how it is undone, and what the error has to name. */
interface Break {
  readonly what: string;
  readonly named: RegExp;
  readonly broken: string;
  readonly whole: string;
}

const BREAKS: Readonly<Record<'grizzly' | 'ml2-zed', readonly Break[]>> = {
  grizzly: [
    {
      what: 'the table of ports is renamed',
      named: /ports/,
      broken: 'alter table ports rename to ports_old',
      whole: 'alter table ports_old rename to ports',
    },
    {
      what: 'the table that makes it Grizzly is renamed, so that it looks like Folsom',
      named: /portbindingports|now looks like folsom/,
      broken: 'alter table portbindingports rename to hidden',
      whole: 'alter table hidden rename to portbindingports',
    },
  ],
  'ml2-zed': [
    {
      what: 'the table of segments is renamed',
      named: /networksegments/,
      broken: 'alter table networksegments rename to hidden',
      whole: 'alter table hidden rename to networksegments',
    },
    {
      what: 'a column is renamed',
      named: /vif_type/,
      broken: 'alter table ml2_port_bindings rename column vif_type to vif_kind',
      whole: 'alter table ml2_port_bindings rename column vif_kind to vif_type',
    },
  ],
};

async function startWired(t: Cleanup, { server, rows }: TestDatabase) {
  const { namespace } = makeHost(t);
  await rows.network({ id: NETWORK, type: 'local' });
  for (const n of [1, 2, 3]) await rows.port({ id: portId(n), network: NETWORK, host: 'host1' });
  makeTapsOf(namespace, portId(1), portId(2));
  const config = makeConfig({ url: socketUrl(server), agent: ['log_level = debug'] });
  const agent = await startAgent(t, namespace, config);
  for (const n of [1, 2]) {
    await waitForStatus(rows, portId(n), 'ACTIVE');
  }
  return { namespace, agent, config };
}

/** Several tries, each of which has looked at the schema again. */
async function retries(agent: RunningAgent): Promise<void> {
  for (let seen = agent.lines().length, tries = 0; tries < 3; tries += 1) {
    await agent.line('database still down', seen);
    seen = agent.lines().length;
  }
}

const USUAL = { grizzly: 'PostgreSQL', 'ml2-zed': 'MariaDB' } as const;

for (const generation of ['grizzly', 'ml2-zed'] satisfies TestGeneration[]) {
  for (const engine of usually(USUAL[generation], ENGINES)) {
    describe(`${generation} on ${engine.name}`, () => {
      withDatabase(engine.start, generation, (database) => {
        for (const { what, named, broken, whole } of BREAKS[generation]) {
          test(`while ${what}: no link event, an error that names it, and recovery by itself`, async (t) => {
            const { namespace, agent } = await startWired(t, database());
            const witness = await startQuietWitness(t, namespace);
            const links = linkNames(namespace);
            await database().server.query(broken, 'quantum');
            try {
              const line = await agent.line(LOST);
              assert.equal(line.code, 'DATABASE_SCHEMA');
              assert.match(String(line.error), named);
              await retries(agent);
              agent.signal('SIGHUP');
              await agent.line('settings read again');
              await retries(agent);
              await witness.expectNothingOn(...links);
            } finally {
              await database().server.query(whole, 'quantum');
            }
            await agent.line(BACK);
            makeTapsOf(namespace, portId(3));
            await waitForMaster(namespace, tapOf(portId(3)), bridgeOf(NETWORK));
            await waitForStatus(database().rows, portId(3), 'ACTIVE');
            await witness.expectNothingOn(tapOf(portId(1)), tapOf(portId(2)));
          });

          test(`an agent that is started while ${what} takes it for an outage, and recovers by itself`, async (t) => {
            const { namespace, agent, config } = await startWired(t, database());
            agent.signal('SIGTERM');
            await agent.ended();
            const witness = await startQuietWitness(t, namespace);
            await database().server.query(broken, 'quantum');
            let again: RunningAgent;
            try {
              again = await startAgent(t, namespace, config);
              const line = await again.line(LOST);
              assert.equal(line.code, 'DATABASE_SCHEMA');
              assert.match(String(line.error), named);
              again.signal('SIGHUP');
              await retries(again);
              const once = await runCli(namespace, ['--config-file', config.path, 'plan']);
              assert.equal(once.code, 78, once.stderr);
            } finally {
              await database().server.query(whole, 'quantum');
            }
            await again.line(BACK);
            makeTapsOf(namespace, portId(3));
            await waitForMaster(namespace, tapOf(portId(3)), bridgeOf(NETWORK));
            await waitForStatus(database().rows, portId(3), 'ACTIVE');
            await witness.expectNothingOn(tapOf(portId(1)), tapOf(portId(2)));
          });
        }
      });
    });
  }
}
