import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { waitUntil } from '../support/databases/servers.js';
import { makeConfig, type RunningAgent, runCli, startAgent } from '../support/host/agent.js';
import { type End, type Flow, type Flows, startFlows } from '../support/host/flows.js';
import { bridgeOf, makeHost, masterOf, type TestHost, tapOf } from '../support/host/host.js';
import { type Cleanup, ip, ipBatch, ipLink, makeNamespace } from '../support/host/netns.js';
import { startQuietWitness, type Witness } from '../support/host/witness.js';
import { type NeutronAgent, startNeutronAgent, THEIR_LIMIT_MS } from '../support/neutron/agent.js';
import { type Neutron, startNeutron } from '../support/neutron/server.js';

const HOST = 'host1';
const MAPPINGS = 'physnet1:eth1';
const GUESTS_EACH = 10;
/** As hosts are: the uplink's MAC address is lower than those that libvirt gives to taps. */
const UPLINK_MAC = '06:00:00:00:00:01';
const LOW_MAC = '02:00:00:00:00:01';

/** A guest on one of the host's networks; `number` is the last part of its address. */
interface Guest extends End {
  readonly port: string;
  readonly tap: string;
  readonly network: string;
  readonly mac: string;
}

interface Scene {
  readonly neutron: Neutron;
  readonly host: TestHost;
  readonly local: string;
  readonly flat: string;
}

/** What stands for a guest until it is plugged in. */
async function makeGuest(
  t: Cleanup,
  { neutron }: Scene,
  network: string,
  number: number,
  mac = `fe:16:3e:00:00:${number.toString(16).padStart(2, '0')}`,
): Promise<Guest> {
  const { id } = await neutron.api.makePort({
    network_id: network,
    'binding:host_id': HOST,
    device_owner: 'network:peer',
  });
  return {
    port: id,
    tap: tapOf(id),
    network,
    namespace: makeNamespace(t),
    address: `10.77.0.${number}`,
    mac,
  };
}

/** The guests of these numbers, by turns on the local and on the flat network. */
async function makeGuests(t: Cleanup, scene: Scene, from: number, count: number): Promise<readonly Guest[]> {
  const guests: Guest[] = [];
  for (let number = from; number < from + count; number += 1)
    guests.push(await makeGuest(t, scene, number % 2 === 0 ? scene.local : scene.flat, number));
  return guests;
}

/** Makes the taps, as libvirt does: each comes up, with a MAC address that no bridge takes for its own. */
const plugTaps = ({ host }: Scene, guests: readonly Guest[]): void =>
  ipBatch(
    host.namespace,
    guests.flatMap(({ tap, namespace, mac }) => [
      `link add ${tap} type veth peer name eth0 netns ${namespace}`,
      `link set ${tap} address ${mac} up`,
    ]),
  );

function plug(scene: Scene, guests: readonly Guest[]): void {
  plugTaps(scene, guests);
  for (const { namespace, address } of guests)
    ipBatch(namespace, [`address add ${address}/24 dev eth0`, 'link set eth0 up']);
}

const countWired = ({ host }: Scene, guests: readonly Guest[]): number =>
  guests.filter(({ tap, network }) => masterOf(host.namespace, tap) === bridgeOf(network)).length;

const statuses = async ({ api }: Neutron): Promise<readonly string[]> =>
  (await api.get<{ ports: { status: string }[] }>(`ports?binding:host_id=${HOST}`)).ports.map(
    ({ status }) => status,
  );

const allActive = (neutron: Neutron): Promise<void> =>
  waitUntil(
    async () => (await statuses(neutron)).every((status) => status === 'ACTIVE'),
    'every port is ACTIVE',
    THEIR_LIMIT_MS,
  );

/** Each guest to the next one of its network, those of the flat network out of the uplink too, and the outside to the host. */
function flowsOf({ host, local, flat }: Scene, guests: readonly Guest[]): readonly Flow[] {
  const outside = { namespace: host.outside, address: '10.77.0.250' };
  const among = [local, flat].flatMap((id) => {
    const members = guests.filter(({ network }) => network === id);
    return members.map((from, at): Flow => ({ from, to: members[(at + 1) % members.length] ?? from }));
  });
  const out = guests.filter(({ network }) => network === flat).map((from): Flow => ({ from, to: outside }));
  const toHost: Flow = {
    from: { namespace: host.outside, address: '10.66.0.2' },
    to: { namespace: host.namespace, address: '10.66.0.1' },
  };
  return [...among, ...out, toHost];
}

/** Fails where a packet was lost, or the kernel announced anything about a link of the guests. */
async function expectUnhurt(flows: Flows, witness: Witness, guests: readonly Guest[]): Promise<number> {
  const counted = await flows.count();
  assert.deepEqual(
    counted.filter(({ lost }) => lost > 0),
    [],
  );
  const taps = guests.map(({ tap }) => tap);
  const events = (await witness.eventsOn(...taps)).filter((line) => /^(Deleted )?\d+: [^ ]+: </.test(line));
  assert.deepEqual(events, [], 'link events');
  return counted.reduce((sum, { sent }) => sum + sent, 0);
}

async function makeScene(t: Cleanup): Promise<Scene> {
  const server = await startMariadb();
  t.after(() => server.destroy());
  const neutron = await startNeutron(t, server);
  const host = makeHost(t);
  ip(host.namespace, 'link', 'set', 'eth1', 'address', UPLINK_MAC);
  ip(host.namespace, 'address', 'add', '10.66.0.1/24', 'dev', 'eth1');
  for (const address of ['10.66.0.2/24', '10.77.0.250/24'])
    ip(host.outside, 'address', 'add', address, 'dev', 'far');
  return { neutron, host, local: '', flat: '' };
}

/** Twenty guests that Neutron's agent has wired and that speak all the time, and the two agents to serve them in turn. */
async function startUnderTheirs(t: Cleanup & Pick<TestContext, 'diagnostic'>) {
  const bare = await makeScene(t);
  const { neutron, host } = bare;
  const config = makeConfig({
    url: neutron.url,
    mappings: MAPPINGS,
    agent: [`host = ${HOST}`, 'max_removals = 5'],
  });
  const startTheirs = (): Promise<NeutronAgent> =>
    startNeutronAgent(t, neutron, { namespace: host.namespace, host: HOST, mappings: MAPPINGS });
  const startOurs = (step: Cleanup): Promise<RunningAgent> => startAgent(step, host.namespace, config);
  const inSync = (): Promise<void> =>
    waitUntil(
      async () => (await runCli(host.namespace, ['--config-file', config.path, 'plan'])).code === 0,
      'in sync',
    );

  const theirs = await startTheirs();
  const scene: Scene = {
    ...bare,
    local: await neutron.api.makeNetwork(),
    flat: await neutron.api.makeNetwork({
      'provider:network_type': 'flat',
      'provider:physical_network': 'physnet1',
    }),
  };
  const guests = await makeGuests(t, scene, 1, 2 * GUESTS_EACH);
  plug(scene, guests);
  await allActive(neutron);
  const flows = await startFlows(t, flowsOf(scene, guests));
  const witness = await startQuietWitness(t, host.namespace);
  const unhurt = async (what: string): Promise<void> =>
    t.diagnostic(`${what}: 0 lost of ${await expectUnhurt(flows, witness, guests)}`);
  return { scene, theirs, startTheirs, startOurs, inSync, unhurt };
}

async function liveBesideTheirs(
  t: Cleanup,
  { scene, startOurs, inSync, unhurt }: Awaited<ReturnType<typeof startUnderTheirs>>,
): Promise<void> {
  const { neutron, host } = scene;
  const ours = await startOurs(t);
  await ours.warning('OTHER_AGENT_RUNS');
  await inSync();
  const guest = await makeGuest(t, scene, scene.local, 70);
  plug(scene, [guest]);
  await allActive(neutron);
  ip(host.namespace, 'link', 'del', guest.tap);
  await waitUntil(async () => (await neutron.api.port(guest.port)).status === 'DOWN', 'it is DOWN');
  await neutron.api.remove(`ports/${guest.port}`);
  assert.deepEqual([...new Set(await statuses(neutron))], ['ACTIVE']);
  await unhurt('both at once');
  ours.signal('SIGTERM');
  assert.equal(await ours.ended(), 0);
}

test('a host is taken over and handed back under 20 guests: no packet is lost, no link of theirs is touched', async (t) => {
  const outer: Cleanup = t;
  const begun = await startUnderTheirs(t);
  const { scene, startTheirs, startOurs, inSync, unhurt } = begun;
  const { neutron, host } = scene;
  let { theirs } = begun;

  await t.test('both at once, and ours says that it is not alone', (t) => liveBesideTheirs(t, begun));

  await t.test('Neutron’s agent ends, ours takes over', async (t) => {
    await theirs.kill();
    const ours = await startOurs(t);
    await inSync();
    await unhurt('taken over');
    assert.deepEqual([...new Set(await statuses(neutron))], ['ACTIVE']);
    ours.signal('SIGTERM');
    assert.equal(await ours.ended(), 0);
  });

  await t.test(
    'the flat bridge keeps its MAC address while a guest with a lower one comes and goes',
    async (t) => {
      const ours = await startOurs(t);
      const low = await makeGuest(outer, scene, scene.flat, 100, LOW_MAC);
      plug(scene, [low]);
      await waitUntil(() => masterOf(host.namespace, low.tap) === bridgeOf(scene.flat), 'it is wired');
      assert.equal(ipLink(host.namespace, bridgeOf(scene.flat))?.address, UPLINK_MAC);
      ip(host.namespace, 'link', 'del', low.tap);
      await waitUntil(async () => (await neutron.api.port(low.port)).status === 'DOWN', 'it is DOWN');
      await neutron.api.remove(`ports/${low.port}`);
      await unhurt('a guest with a lower address came and went');
      ours.signal('SIGTERM');
      assert.equal(await ours.ended(), 0);
    },
  );

  await t.test('ours ends, Neutron’s agent takes the host back', async () => {
    theirs = await startTheirs();
    // It comes to a new one when it has looked at all that were there.
    plug(scene, [await makeGuest(outer, scene, scene.local, 30)]);
    await allActive(neutron);
    await unhurt('handed back');
  });

  await t.test('Neutron’s agent is killed while it wires ten more, ours takes over', async (t) => {
    const next = await makeGuests(outer, scene, 31, 10);
    plug(scene, next);
    await waitUntil(() => countWired(scene, next) > 0, 'it has begun');
    await theirs.kill();
    t.diagnostic(`wired when it was killed: ${countWired(scene, next)} of ${next.length}`);
    await startOurs(t);
    await allActive(neutron);
    await inSync();
    await unhurt('taken over in the middle');
  });

  await t.test('ours is killed while it wires ten more, Neutron’s agent takes the host back', async (t) => {
    const ours = await startOurs(t);
    const last = await makeGuests(outer, scene, 51, 10);
    // Some milliseconds later it would have wired them all.
    plugTaps(scene, last);
    ours.signal('SIGKILL');
    await ours.ended();
    t.diagnostic(`wired when it was killed: ${countWired(scene, last)} of ${last.length}`);
    await startTheirs();
    await allActive(neutron);
    await unhurt('handed back in the middle');
  });
});
