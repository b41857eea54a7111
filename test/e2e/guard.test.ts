import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeConfig, PROGRAM, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  linkNames,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  onUsualEngine,
  portId,
  type TestDatabase,
  tapOf,
  waitForMaster,
  waitForStatus,
} from '../support/host/host.js';
import { type Cleanup, command } from '../support/host/netns.js';
import { startQuietWitness } from '../support/host/witness.js';

const LOCAL = networkId(1);
const PORTS = [1, 2, 3].map(portId);
const HELD = 'removals held, see accept';

/** Three wired taps on a local network, by an agent that runs. */
async function makeWiredHost(t: Cleanup, { server, rows }: TestDatabase) {
  const { namespace } = makeHost(t);
  await rows.network({ id: LOCAL, type: 'local' });
  for (const port of PORTS) await rows.port({ id: port, network: LOCAL });
  makeTapsOf(namespace, ...PORTS);
  const config = makeConfig({ url: socketUrl(server) });
  const cli = (...args: readonly string[]) => runCli(namespace, ['--config-file', config.path, ...args]);
  const sql = (statement: string) => server.query(statement, 'quantum');
  assert.equal((await cli('once')).code, 0);
  return { namespace, rows, config, sql, cli, start: () => startAgent(t, namespace, config) };
}

onUsualEngine('PostgreSQL', 'folsom', (database) => {
  test('DELETE FROM ports takes nothing away until an operator accepts it', async (t) => {
    const { namespace, sql, cli, start } = await makeWiredHost(t, database());
    const agent = await start();
    const witness = await startQuietWitness(t, namespace);
    await sql('delete from ports');

    const held = await agent.line(HELD);
    assert.equal(held.held, 3);
    assert.match(String(held.reason), /table ports is wholly empty/);
    await witness.expectNothingOn(...linkNames(namespace));

    const accept = await cli('accept', String(held.fingerprint));
    assert.equal(accept.code, 0, accept.stderr);
    assert.match(accept.stdout, /^3 held removal/);
    for (const port of PORTS) await waitForMaster(namespace, tapOf(port), null);
    assert.equal(agent.saying(HELD).length, 1);
    await agent.line('no removals are held any more');
  });

  test('accept lets go ahead what was seen, and nothing else', async (t) => {
    const { namespace, sql, cli, start } = await makeWiredHost(t, database());
    const agent = await start();
    const [first, second, third] = PORTS;
    await sql(`update ports set admin_state_up = false where id in ('${first}', '${second}')`);
    const { fingerprint: seen } = await agent.line(HELD);
    assert.match(String(seen), /^[0-9a-f]{10}$/);
    assert.equal(JSON.parse((await cli('--json', 'plan')).stdout).fingerprint, seen, 'plan shows the same');
    assert.match((await cli('status')).stdout, new RegExp(`accept ${seen}`));
    const lines = agent.lines().length;
    await sql(`update ports set admin_state_up = false where id = '${third}'`);
    const { fingerprint: now } = await agent.line(HELD, lines);
    const witness = await startQuietWitness(t, namespace);

    const alone = await cli('accept');
    assert.equal(alone.code, 64, 'nobody is at a terminal');
    assert.match(alone.stdout, new RegExp(`take ${tapOf(PORTS[2] ?? '')} out[\\s\\S]*${now}`));
    const stale = await cli('accept', String(seen));
    assert.equal(stale.code, 3);
    assert.match(stale.stdout, new RegExp(`fingerprint of what is held: ${now}`));
    assert.match(stale.stderr, /HELD_CHANGED/);
    await witness.expectNothingOn(...linkNames(namespace));
    assert.equal((await cli('accept', String(now))).code, 0);
    for (const port of PORTS) await waitForMaster(namespace, tapOf(port), null);
  });

  test('accept without a fingerprint asks whoever sits at the terminal', async (t) => {
    const { namespace, config, sql, start } = await makeWiredHost(t, database());
    const agent = await start();
    await sql('update ports set admin_state_up = false');
    await agent.line(HELD);
    const atTerminal = (answer: string): string =>
      command(
        'sh',
        '-c',
        `printf '${answer}\\n' | script -qec "ip netns exec ${namespace} ${process.execPath} ${PROGRAM} --config-file ${config.path} accept" /dev/null || true`,
      );
    assert.match(atTerminal('n'), /Let 3 removal\(s\) go ahead[\s\S]*nothing was accepted/);
    assert.match(atTerminal('y'), /3 held removal\(s\) go ahead/);
    for (const port of PORTS) await waitForMaster(namespace, tapOf(port), null);
  });

  test('rows deleted one by one, by an agent that starts again between them and by once: only the free one loses its wire', async (t) => {
    const { namespace, sql, cli, start } = await makeWiredHost(t, database());
    const [first, second, third] = PORTS;
    const remove = (port = '') => sql(`delete from ports where id = '${port}'`);
    await remove(first);
    assert.equal((await cli('once')).code, 0);
    assert.equal(masterOf(namespace, tapOf(PORTS[0] ?? '')), null);
    const witness = await startQuietWitness(t, namespace);
    await remove(second);
    assert.equal((await cli('once')).code, 3);
    const agent = await start();
    assert.match(String((await agent.line(HELD)).reason), /within guard_window/);
    agent.signal('SIGKILL');
    await agent.ended();
    await remove(third);
    await (await start()).line(HELD);
    await witness.expectNothingOn(...linkNames(namespace));
  });

  test('rows that come back end the hold without a link event', async (t) => {
    const { namespace, rows, sql, start } = await makeWiredHost(t, database());
    const agent = await start();
    const witness = await startQuietWitness(t, namespace);
    await sql('delete from ports');
    await agent.line(HELD);
    for (const port of PORTS) await rows.port({ id: port, network: LOCAL });
    await agent.line('no removals are held any more');
    for (const port of PORTS) await waitForStatus(rows, port, 'ACTIVE');
    await witness.expectNothingOn(...linkNames(namespace));
  });

  test('plan and once exit 3 with what is held, and leave every tap where it is', async (t) => {
    const { namespace, sql, cli } = await makeWiredHost(t, database());
    await sql('update ports set admin_state_up = false');
    const witness = await startQuietWitness(t, namespace);
    for (const command of ['plan', 'once']) {
      const { code, stdout } = await cli('--json', command);
      assert.equal(code, 3);
      const { inSync, operations, held, warnings } = JSON.parse(stdout);
      assert.deepEqual({ inSync, operations, held: held.length }, { inSync: false, operations: [], held: 3 });
      assert.match(held[0].reason, /3 of 3 wired taps would lose their wire, and max_removals is 1/);
      assert.ok(warnings.some(({ code: warning }: { code: string }) => warning === 'REMOVALS_HELD'));
    }
    await witness.expectNothingOn(...linkNames(namespace));
  });

  test('once --accept-removals lets them go ahead', async (t) => {
    const { namespace, sql, cli, rows } = await makeWiredHost(t, database());
    await sql('update ports set admin_state_up = false');
    const { code, stderr } = await cli('once', '--accept-removals');
    assert.equal(code, 0, stderr);
    for (const port of PORTS) {
      assert.equal(masterOf(namespace, tapOf(port)), null);
      assert.equal(await rows.statusOf(port), 'DOWN');
    }
  });

  test('a new port is wired while removals are held', async (t) => {
    const { namespace, rows, sql, start } = await makeWiredHost(t, database());
    const agent = await start();
    await sql('update ports set admin_state_up = false');
    await agent.line(HELD);
    await rows.port({ id: portId(4), network: LOCAL });
    makeTapsOf(namespace, portId(4));
    await waitForMaster(namespace, tapOf(portId(4)), bridgeOf(LOCAL));
    for (const port of PORTS) assert.equal(masterOf(namespace, tapOf(port)), bridgeOf(LOCAL));
  });

  test('a table that is empty of everything holds also the last bridge', async (t) => {
    const { namespace, sql, cli } = await makeWiredHost(t, database());
    const witness = await startQuietWitness(t, namespace);
    await sql('delete from ports; delete from network_bindings; delete from networks');
    assert.equal((await cli('once')).code, 3);
    await witness.expectNothingOn(...linkNames(namespace));
  });
});
