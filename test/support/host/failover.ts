import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { ReplicaPair } from '../databases/mariadb-pair.js';
import { type Rows, rowsOf } from '../databases/rows.js';
import { waitUntil } from '../databases/servers.js';
import { createSchema } from '../databases/tables.js';
import { type ConfigFile, makeConfig, type RunningAgent, runCli, socketUrl, startAgent } from './agent.js';
import {
  bridgeOf,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  tapOf,
  waitForMaster,
  waitForStatus,
} from './host.js';
import { type Cleanup, makeNamespace } from './netns.js';
import { startWitness } from './witness.js';

const [HERE, THERE] = [networkId(1), networkId(2)];
const [STAYS, MOVES, PLUGGED_LATER, MADE_LATER] = [portId(1), portId(2), portId(3), portId(4)];
const [OTHER_SERVER, HELD] = ['another database server than the first is used', 'removals held, see accept'];
const FREE = 'no removals are held any more';

/** A pair, and the rows of its primary. */
interface Scene {
  readonly pair: ReplicaPair;
  readonly rows: Rows;
}

/** Describes what an agent does that loses the primary of a pair and finds a replica that is behind it. */
export function describeFailover(engine: string, startPair: () => Promise<ReplicaPair>): void {
  describe(`a ${engine} primary and a read-only replica that has stopped to apply what the primary says`, () => {
    let made: Scene | null = null;
    const scene = (): Scene => {
      if (made === null) throw new Error('the pair has not started');
      return made;
    };
    before(async () => {
      const pair = await startPair();
      made = { pair, rows: rowsOf(pair.primary, 'grizzly') };
      await createSchema(pair.primary, 'grizzly');
    });
    after(() => made?.pair.destroy());
    afterEach(async () => {
      const { pair, rows } = scene();
      await pair.primary.kill();
      await pair.primary.start();
      await rows.clear();
      await pair.catchUp();
    });
    movesNothingBack(scene);
    keepsWhatPromotedLacks(scene);
    plugsNothingIn(scene);
  });
}

function movesNothingBack(scene: () => Scene): void {
  test('moves no tap back and takes none out when the primary is killed, says why, and works on when the replica has caught up', async (t) => {
    const { pair, rows } = scene();
    const { namespace, config } = await makeCloud(scene(), t);
    const agent = await startAgent(t, namespace, config);
    await waitForMaster(namespace, tapOf(MOVES), bridgeOf(HERE));
    await changeOnPrimaryAlone(scene());
    for (const port of [STAYS, MOVES, PLUGGED_LATER]) await waitForStatus(rows, port, 'ACTIVE');
    const witness = await startWitness(t, namespace);
    await pair.primary.kill();

    await agent.line(OTHER_SERVER);
    const held = await agent.line(HELD);
    // Which one depends on whether a heartbeat was written after the replica had stopped.
    assert.match(String(held.reason), /read-only server took over|database went back in time/);
    await expectHeld(namespace, config, [MOVES, PLUGGED_LATER]);
    await pair.replicaIsPolled(10);
    await expectHeld(namespace, config, [MOVES, PLUGGED_LATER]);
    await witness.expectToStayIn(bridgeOf(HERE), ...[STAYS, PLUGGED_LATER].map(tapOf));
    await witness.expectToStayIn(bridgeOf(THERE), tapOf(MOVES));
    isWiredAsPrimarySaid(namespace);

    await catchesUp(scene(), agent);
    await pair.primary.query(`update ports set network_id = '${HERE}' where id = '${MOVES}'`, 'quantum');
    await waitForMaster(namespace, tapOf(MOVES), bridgeOf(HERE));
  });
}

function keepsWhatPromotedLacks(scene: () => Scene): void {
  test('once, a new process each time, keeps the tap whose row a promoted replica lacks, and ends with 3', async (t) => {
    const { pair, rows } = scene();
    const { namespace, config } = await makeCloud(scene(), t);
    const run = (...command: readonly string[]) =>
      runCli(namespace, ['--config-file', config.path, ...command]);
    assert.equal((await run('once')).code, 0);
    await pair.lag();
    await rows.port({ id: MADE_LATER, network: HERE, host: 'host1' });
    assert.equal((await run('once')).code, 0);
    assert.equal(masterOf(namespace, tapOf(MADE_LATER)), bridgeOf(HERE));
    const witness = await startWitness(t, namespace);
    await pair.primary.kill();
    await pair.promote();

    for (const command of ['once', 'plan', 'once']) {
      const { code, stdout, stderr } = await run(command);
      assert.equal(code, 3, stdout + stderr);
      assert.match(stdout + stderr, /another server answers than before/);
    }
    const { stdout } = await run('check', '--direct');
    assert.match(stdout, /^WARNING: 1 removal\(s\) held \| .* drift=0;/);
    await witness.expectToStayIn(bridgeOf(HERE), ...[STAYS, MOVES, MADE_LATER].map(tapOf));
    assert.equal(masterOf(namespace, tapOf(MADE_LATER)), bridgeOf(HERE));
  });
}

function plugsNothingIn(scene: () => Scene): void {
  test('a replica that lags plugs nothing in again, and a primary that then comes back from a dump moves no tap back', async (t) => {
    const { pair } = scene();
    const { namespace, config } = await makeCloud(scene(), t);
    const agent = await startAgent(t, namespace, config);
    const lags = await nextHeartbeat(scene(), null);
    await pair.catchUp();
    await pair.lag();
    const restored = await nextHeartbeat(scene(), lags);
    await pair.primary.query(
      `update ports set network_id = '${THERE}' where id = '${MOVES}';
     update ports set admin_state_up = false where id = '${STAYS}'`,
      'quantum',
    );
    await waitForMaster(namespace, tapOf(MOVES), bridgeOf(THERE));
    await waitForMaster(namespace, tapOf(STAYS), null);
    await nextHeartbeat(scene(), restored);
    await pair.primaryIsPolled(2);
    const witness = await startWitness(t, namespace);
    await pair.primary.kill();
    await agent.line(HELD);
    await pair.replicaIsPolled(3);
    assert.equal(masterOf(namespace, tapOf(STAYS)), null, 'what was unplugged stays so');
    agent.signal('SIGTERM');
    await agent.ended();

    await pair.primary.start();
    await pair.primary.query(
      `update ports set network_id = '${HERE}' where id = '${MOVES}';
     update agents set heartbeat_timestamp = '${restored}'`,
      'quantum',
    );
    const again = await startAgent(t, namespace, config);
    const held = await again.line(HELD);
    assert.match(String(held.reason), new RegExp(`database went back in time, .* to ${restored} UTC`));
    await pair.primaryIsPolled(5);
    await expectHeld(namespace, config, [MOVES]);
    await witness.expectToStayIn(bridgeOf(THERE), tapOf(MOVES));
  });
}

/** Ports 1 to 3 in the first network as both servers know them; port 3 is unplugged by its admin state. */
async function makeCloud(
  { pair, rows }: Scene,
  t: Cleanup,
): Promise<{ namespace: string; config: ConfigFile }> {
  for (const id of [HERE, THERE]) await rows.network({ id, type: 'local' });
  for (const id of [STAYS, MOVES]) await rows.port({ id, network: HERE, host: 'host1' });
  await rows.port({ id: PLUGGED_LATER, network: HERE, host: 'host1', adminUp: false });
  await pair.catchUp();
  const namespace = makeNamespace(t);
  makeTapsOf(namespace, STAYS, MOVES, PLUGGED_LATER, MADE_LATER);
  const urls = [pair.primary, pair.replica].map((server) => socketUrl(server));
  const config = makeConfig({ url: urls.join(', '), agent: ['max_removals = 10'] });
  return { namespace, config };
}

/**
 * What the replica does not hear of: a port moves, one is plugged in by its admin state. None is made: because of a
 * row that is missing there, the agent would hold every removal.
 */
async function changeOnPrimaryAlone({ pair }: Scene): Promise<void> {
  await pair.lag();
  await pair.primary.query(
    `update ports set network_id = '${THERE}' where id = '${MOVES}';
     update ports set admin_state_up = true where id = '${PLUGGED_LATER}'`,
    'quantum',
  );
}

const isWiredAsPrimarySaid = (namespace: string): void => {
  for (const port of [STAYS, PLUGGED_LATER]) assert.equal(masterOf(namespace, tapOf(port)), bridgeOf(HERE));
  assert.equal(masterOf(namespace, tapOf(MOVES)), bridgeOf(THERE));
};

/** Waits for a heartbeat on the primary that is newer than this one; gives it. */
async function nextHeartbeat({ pair }: Scene, last: string | null): Promise<string> {
  let found: string | null = null;
  await waitUntil(async () => {
    const sql = `select date_format(heartbeat_timestamp, '%Y-%m-%d %H:%i:%s') as beat from agents`;
    const [row] = await pair.primary.query(sql, 'quantum');
    found = row === undefined ? null : String(row.beat);
    return found !== null && (last === null || found > last);
  }, 'a heartbeat');
  assert.ok(found !== null);
  return found;
}

/** The primary is back, and the replica hears from it what it has missed. */
async function catchesUp({ pair }: Scene, agent: RunningAgent): Promise<void> {
  await pair.primary.start();
  await pair.catchUp();
  await agent.line(FREE);
}

/** The running agent tells whoever asks that these taps would be taken out, and that it does not do so. */
async function expectHeld(namespace: string, { path }: ConfigFile, ports: readonly string[]): Promise<void> {
  const { stdout } = await runCli(namespace, ['--config-file', path, 'status', '--json']);
  const { held } = JSON.parse(stdout) as { held: readonly { readonly device: string }[] };
  assert.deepEqual(held.map(({ device }) => device).sort(), ports.map(tapOf).sort());
}
