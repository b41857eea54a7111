import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomOf } from '../fault/kills.js';
import { startMariadb } from '../support/databases/mariadb.js';
import { waitUntil } from '../support/databases/servers.js';
import { makeConfig, startAgent } from '../support/host/agent.js';
import { type End, startFlows } from '../support/host/flows.js';
import { setDuplicateAddressDetection, tapOf } from '../support/host/host.js';
import { type Cleanup, ip, ipBatch, makeNamespace, makeVeth } from '../support/host/netns.js';
import { startNeutronWithAgent } from '../support/neutron/agent.js';
import { type CloudHost, play, statusesAreTrue } from '../support/neutron/cloud.js';
import type { Neutron } from '../support/neutron/server.js';

const PLAY_MS = 10 * 60_000;
const MAPPINGS = 'physnet1:eth1';
const GUESTS_EACH = 2;

/** Namespaces whose `eth1` all end in one switch. */
function makeHosts(t: Cleanup, count: number): readonly string[] {
  const outside = makeNamespace(t);
  ip(outside, 'link', 'add', 'switch', 'up', 'type', 'bridge', 'forward_delay', '0');
  return Array.from({ length: count }, (_, at) => {
    const namespace = makeNamespace(t);
    setDuplicateAddressDetection(namespace, false);
    makeVeth(namespace, 'eth1', outside, `cable${at}`);
    ip(outside, 'link', 'set', `cable${at}`, 'master', 'switch');
    return namespace;
  });
}

async function startOurs(
  t: Cleanup,
  { api, url }: Neutron,
  name: string,
  namespace: string,
): Promise<CloudHost> {
  const config = makeConfig({ url, mappings: MAPPINGS, agent: [`host = ${name}`, 'max_removals = 1000'] });
  let agent = await startAgent(t, namespace, config);
  await waitUntil(async () => (await api.agent(name))?.alive === true, `${name} is alive`);
  const restart = async (): Promise<void> => {
    agent.signal('SIGKILL');
    await agent.ended();
    agent = await startAgent(t, namespace, config);
  };
  return { name, namespace, isOurs: true, restart };
}

/** Guests that nothing is done to, as many on each host. */
async function plugSteady(
  t: Cleanup,
  { api }: Neutron,
  hosts: readonly CloudHost[],
  network: string,
): Promise<readonly End[]> {
  const guests: End[] = [];
  for (let number = 1; number <= hosts.length * GUESTS_EACH; number += 1) {
    const host = hosts[number % hosts.length];
    assert.ok(host);
    const { id } = await api.makePort({
      network_id: network,
      'binding:host_id': host.name,
      device_owner: 'network:peer',
    });
    const guest = { namespace: makeNamespace(t), address: `10.77.0.${number}` };
    ipBatch(host.namespace, [
      `link add ${tapOf(id)} type veth peer name eth0 netns ${guest.namespace}`,
      `link set ${tapOf(id)} address fe:16:3e:00:00:0${number} up`,
    ]);
    ipBatch(guest.namespace, [`address add ${guest.address}/24 dev eth0`, 'link set eth0 up']);
    guests.push(guest);
  }
  return guests;
}

test('a cloud with Neutron’s agent on one host and ours on two: after ten minutes every status is true, and no frame was lost', async (t) => {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  const server = await startMariadb();
  t.after(() => server.destroy());
  const [first = '', ...others] = makeHosts(t, 3);
  const place = { namespace: first, host: 'host1', mappings: MAPPINGS };
  const neutron = await startNeutronWithAgent(t, server, place);
  const hosts: CloudHost[] = [{ name: 'host1', namespace: first, isOurs: false, restart: neutron.restart }];
  for (const [at, namespace] of others.entries())
    hosts.push(await startOurs(t, neutron, `host${at + 2}`, namespace));
  const flat = await neutron.api.makeNetwork({
    'provider:network_type': 'flat',
    'provider:physical_network': 'physnet1',
  });
  const networks = [flat, await neutron.api.makeNetwork(), await neutron.api.makeNetwork()];
  const steady = await plugSteady(t, neutron, hosts, flat);
  const flows = await startFlows(
    t,
    steady.map((from, at) => ({ from, to: steady[(at + 1) % steady.length] ?? from })),
  );

  const played = await play({ neutron, hosts, networks, random: randomOf(seed) }, PLAY_MS);

  t.diagnostic([...played.acts].map(([act, times]) => `${act} ${times}`).join(', '));
  for (const act of ['kill ours', 'kill Neutron’s, with its server']) assert.ok(played.acts.has(act), act);
  await statusesAreTrue(neutron, played);
  const counted = await flows.count();
  t.diagnostic(`${counted.reduce((sum, { sent }) => sum + sent, 0)} frames`);
  assert.deepEqual(
    counted.filter(({ lost }) => lost > 0),
    [],
  );
});
