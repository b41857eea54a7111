import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { waitUntil } from '../support/databases/servers.js';
import { makeConfig, runCli, startAgent } from '../support/host/agent.js';
import { type End, startFlows } from '../support/host/flows.js';
import { makeHost, tapOf } from '../support/host/host.js';
import { command, ipBatch, makeNamespace } from '../support/host/netns.js';
import { type NeutronAgent, startNeutronAgent, THEIR_LIMIT_MS } from '../support/neutron/agent.js';
import type { ApiPort } from '../support/neutron/api.js';
import { startNeutron } from '../support/neutron/server.js';

const HOST = 'host1';

/** The commands of the manual that take the old agent's rules away, and those of the way back; a namespace has no services. */
function commandsOfTheManual(): readonly string[] {
  const manual = readFileSync(new URL('../../etc/README.md', import.meta.url), 'utf8');
  const section = manual.slice(manual.indexOf('## Taking over from Neutron'), manual.indexOf('## Watch it'));
  const blocks = [...section.matchAll(/^ {3}```sh\n([\s\S]*?)^ {3}```$/gm)].map(([, block = '']) => block);
  return blocks.map((block) => block.replaceAll(/^ *systemctl .*\n/gm, ''));
}

/** Two guests that Neutron's agent has wired and filters, and that speak to each other. */
async function makeScene(t: TestContext) {
  const server = await startMariadb();
  t.after(() => server.destroy());
  const neutron = await startNeutron(t, server);
  const { api, url } = neutron;
  const { namespace } = makeHost(t);
  const startTheirs = (): Promise<NeutronAgent> =>
    startNeutronAgent(t, neutron, { namespace, host: HOST, firewall: 'iptables' });
  const theirs = await startTheirs();
  const network = await api.makeNetwork();
  const subnet = { network_id: network, ip_version: 4, cidr: '10.77.0.0/24', project_id: 'p' };
  await api.post('subnets', { subnet });
  /** A guest with the addresses of its port: others are not let through. */
  const plug = async (address: string): Promise<End> => {
    const port: ApiPort & { mac_address?: string } = await api.makePort({
      network_id: network,
      'binding:host_id': HOST,
      device_owner: 'appliance:guest',
      fixed_ips: [{ ip_address: address }],
    });
    const guest = makeNamespace(t);
    ipBatch(namespace, [`link add ${tapOf(port.id)} type veth peer name eth0 netns ${guest}`]);
    ipBatch(guest, [`link set eth0 address ${port.mac_address} up`, `address add ${address}/24 dev eth0`]);
    ipBatch(namespace, [`link set ${tapOf(port.id)} up`]);
    return { namespace: guest, address };
  };
  const areActive = async (): Promise<boolean> =>
    (await api.get<{ ports: ApiPort[] }>(`ports?network_id=${network}`)).ports.every(
      ({ status }) => status === 'ACTIVE',
    );
  const allActive = (): Promise<void> => waitUntil(areActive, 'every port is ACTIVE', THEIR_LIMIT_MS);
  const config = makeConfig({ url, agent: [`host = ${HOST}`] });
  /** Ours takes over, is in sync, and ends. */
  const takeOver = async (step: TestContext): Promise<void> => {
    const ours = await startAgent(step, namespace, config);
    const isInSync = async (): Promise<boolean> =>
      (await runCli(namespace, ['--config-file', config.path, 'plan'])).code === 0;
    await waitUntil(isInSync, 'in sync');
    ours.signal('SIGTERM');
    assert.equal(await ours.ended(), 0);
  };
  const hasRulesLeft = async (): Promise<boolean> =>
    (await runCli(namespace, ['--config-file', config.path, 'config', 'check'])).stdout.includes(
      'NEUTRON_RULES_LEFT',
    );
  const run = (commands: string): void =>
    void command('ip', 'netns', 'exec', namespace, 'sh', '-e', '-c', commands);
  const [one, other] = [await plug('10.77.0.11'), await plug('10.77.0.12')];
  await allActive();
  const flows = await startFlows(t, [
    { from: one, to: other },
    { from: other, to: one },
  ]);
  const lost = async (): Promise<number> => (await flows.count()).reduce((sum, one) => sum + one.lost, 0);
  return { namespace, theirs, startTheirs, takeOver, allActive, hasRulesLeft, run, lost };
}

test('the rules of Neutron’s agent are found, and go with the commands of the manual; with those of the way back it starts, and filters again', async (t) => {
  const { namespace, theirs, startTheirs, takeOver, allActive, hasRulesLeft, run, lost } = await makeScene(t);
  const [takeAway = '', wayBack = '', ...more] = commandsOfTheManual();
  assert.deepEqual(more, []);
  let running = theirs;

  await t.test('the way back while its rules are still there', async (t) => {
    await running.kill();
    await takeOver(t);
    assert.equal(await hasRulesLeft(), true);
    run(wayBack);
    running = await startTheirs();
    await allActive();
  });

  await t.test('its rules are taken away', async (t) => {
    const before = await lost();
    await running.kill();
    await takeOver(t);
    run(takeAway);
    assert.equal(await hasRulesLeft(), false);
    assert.equal(command('ip', 'netns', 'exec', namespace, 'ipset', 'list', '-name'), '');
    assert.equal(await lost(), before, 'packets lost');
  });

  await t.test('the way back without them', async () => {
    run(wayBack);
    running = await startTheirs();
    await allActive();
    await waitUntil(hasRulesLeft, 'it filters again', THEIR_LIMIT_MS);
    t.diagnostic(`packets lost in all, also while it filters anew: ${await lost()}`);
  });
});
