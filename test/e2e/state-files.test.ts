import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { type ConfigFile, makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  type TestDatabase,
  tapOf,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { type Cleanup, command } from '../support/host/netns.js';

const NETWORK = networkId(1);
const UNUSABLE = 'a file in state_dir cannot be used, the agent works without it';

interface Cloud {
  readonly namespace: string;
  readonly config: ConfigFile;
  /** Writes a state file as an agent does, with the checksum that belongs to this value. */
  readonly keep: (name: string, value: unknown) => void;
}

/** A host with the taps of two ports of one network. */
async function makeCloud(t: Cleanup, { server, rows }: TestDatabase): Promise<Cloud> {
  const { namespace } = makeHost(t);
  await rows.network({ id: NETWORK, type: 'local' });
  for (const n of [1, 2]) await rows.port({ id: portId(n), network: NETWORK });
  makeTapsOf(namespace, portId(1), portId(2));
  const config = makeConfig({ url: socketUrl(server) });
  const link = command('ip', 'netns', 'exec', namespace, 'readlink', '/proc/self/ns/net');
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const keep = (name: string, value: unknown): void => {
    const text = JSON.stringify(value);
    const checksum = createHash('sha256').update(text).digest('hex');
    const envelope = { version: 1, host: 'host1', bootId, writtenAtMs: Date.now(), checksum, value: text };
    mkdirSync(config.stateDir, { recursive: true });
    const file = `${name}-${/\d+/.exec(link)?.[0]}.json`;
    writeFileSync(join(config.stateDir, file), JSON.stringify(envelope));
  };
  return { namespace, config, keep };
}

const filesPutAside = ({ stateDir }: ConfigFile): string[] =>
  readdirSync(stateDir)
    .filter((file) => file.includes('.damaged-'))
    .map((file) => file.replace(/-\d+\.json\.damaged-.*/, ''))
    .sort();

withDatabase(startPostgres, 'folsom', (database) => {
  for (const [what, ports] of [
    ['a port that is none', [null]],
    ['a tap without a port', [['tap99999999-99', null]]],
    ['a port without an id', [['tap99999999-99', { networkId: 'x' }]]],
  ] as const)
    test(`a last known good answer with ${what} and the right checksum keeps no agent from its work`, async (t) => {
      const { namespace, config, keep } = await makeCloud(t, database());
      keep('last-known-good', { generation: 'folsom', ports, networks: [] });

      const agent = await startAgent(t, namespace, config);
      for (const n of [1, 2]) await waitForStatus(database().rows, portId(n), 'ACTIVE');

      assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(NETWORK));
      assert.equal(agent.saying('database lost, the data plane stays as it is').length, 0);
      const [told, ...more] = agent.saying(UNUSABLE);
      assert.deepEqual([told?.code, more], ['STATE_UNUSABLE', []]);
      assert.deepEqual(filesPutAside(config), ['last-known-good']);
    });

  test('no state file of a wrong shape keeps once from its work: each is put aside, and told by one run alone', async (t) => {
    const { namespace, config, keep } = await makeCloud(t, database());
    for (const name of ['last-known-good', 'guard', 'address-move']) keep(name, { from: 'nowhere' });

    const first = await runCli(namespace, ['--config-file', config.path, 'once']);
    const second = await runCli(namespace, ['--config-file', config.path, 'once']);

    assert.deepEqual([first.code, second.code], [0, 0], first.stderr);
    assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(NETWORK));
    assert.equal(first.stderr.match(/STATE_UNUSABLE/g)?.length, 3, first.stderr);
    assert.match(first.stderr, /a move of addresses that was cut short could not be ended: .*address-move/);
    assert.doesNotMatch(first.stderr, /DATABASE_|\n\s+at /);
    assert.equal(second.stderr, '');
    assert.deepEqual(filesPutAside(config), ['address-move', 'guard', 'last-known-good']);
  });
});
