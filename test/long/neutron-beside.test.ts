import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { waitUntil } from '../support/databases/servers.js';
import { makeConfig, type RunningAgent, runCli, startAgent } from '../support/host/agent.js';
import { bridgeOf, makeHost, makeTapsOf, tapOf, waitForMaster } from '../support/host/host.js';
import { ip } from '../support/host/netns.js';
import { type NeutronAgent, startNeutronAgent, THEIR_LIMIT_MS } from '../support/neutron/agent.js';
import { startNeutron } from '../support/neutron/server.js';

const HOST = 'host1';
const LOCAL_IP = '10.66.0.1';

/** A host with a port on a network of type vxlan, which Neutron's agent has wired and serves. */
async function makeScene(t: TestContext) {
  const server = await startMariadb();
  t.after(() => server.destroy());
  const neutron = await startNeutron(t, server);
  const { api, url } = neutron;
  const { namespace } = makeHost(t);
  ip(namespace, 'address', 'add', `${LOCAL_IP}/24`, 'dev', 'eth1');
  const startTheirs = (): Promise<NeutronAgent> =>
    startNeutronAgent(t, neutron, { namespace, host: HOST, localIp: LOCAL_IP });
  const theirs = await startTheirs();
  const network = await api.makeNetwork({ 'provider:network_type': 'vxlan' });
  const plug = async (): Promise<string> => {
    const { id } = await api.makePort({
      network_id: network,
      'binding:host_id': HOST,
      device_owner: 'network:peer',
    });
    makeTapsOf(namespace, id);
    await waitForMaster(namespace, tapOf(id), bridgeOf(network));
    const isActive = async (): Promise<boolean> => (await api.port(id)).status === 'ACTIVE';
    await waitUntil(isActive, `port ${id} is ACTIVE`, THEIR_LIMIT_MS);
    return id;
  };
  await plug();
  /** What the row tells the other hosts of this one's tunnels. */
  const tunnels = async (): Promise<readonly unknown[]> => {
    const { tunneling_ip, tunnel_types } = (await api.agent(HOST))?.configurations ?? {};
    return [tunneling_ip, tunnel_types];
  };
  const configOf = (...lines: readonly string[]) =>
    makeConfig({ url, agent: [`host = ${HOST}`, '[VXLAN]', ...lines] });
  const startOurs = async (step: TestContext, ...lines: readonly string[]): Promise<RunningAgent> => {
    const before = (await api.agent(HOST))?.started_at;
    const ours = await startAgent(step, namespace, configOf(...lines));
    await waitUntil(async () => (await api.agent(HOST))?.started_at !== before, 'ours has reported');
    return ours;
  };
  const check = async (): Promise<{ findings: { code: string; message: string }[]; takeOver: string[] }> =>
    JSON.parse(
      (await runCli(namespace, ['--config-file', configOf().path, '--json', 'config', 'check'])).stdout,
    );
  return { theirs, startTheirs, startOurs, plug, tunnels, check };
}

const end = async (ours: RunningAgent): Promise<void> => {
  ours.signal('SIGTERM');
  assert.equal(await ours.ended(), 0);
};

test('beside Neutron’s own agent, and after it', async (t) => {
  const { theirs, startTheirs, startOurs, plug, tunnels, check } = await makeScene(t);
  const names = [`local_ip = ${LOCAL_IP}`, 'enable_vxlan = True'];

  await t.test(
    'it is found by the title that it gives itself: by config check, and by ours at its start',
    async (t) => {
      const { findings, takeOver } = await check();
      const [found] = findings.filter(({ code }) => code === 'OTHER_AGENT_RUNS');
      assert.match(found?.message ?? '', /another LinuxBridge agent: neutron-linuxbridge-agent\.$/);
      assert.ok(takeOver.some((step) => step.startsWith('Stop and disable neutron-linuxbridge-agent')));
      const ours = await startOurs(t, ...names);
      assert.equal((await ours.warning('OTHER_AGENT_RUNS')).detail, found?.message);
      await end(ours);
    },
  );

  await t.test(
    'its row in agents keeps the end of its tunnels, and their types where the files name it',
    async (t) => {
      await theirs.kill();
      await end(await startOurs(t, ...names));
      assert.deepEqual(await tunnels(), [LOCAL_IP, ['vxlan']]);
    },
  );

  await t.test('a tap joins the bridge that holds the tunnel of its network', async (t) => {
    const ours = await startOurs(t, ...names);
    await plug();
    await end(ours);
  });

  await t.test(
    'the types go where the files name no end, so that nothing is bound here that is not served',
    async (t) => {
      await end(await startOurs(t, 'enable_vxlan = False'));
      assert.deepEqual(await tunnels(), [LOCAL_IP, []]);
    },
  );

  await t.test('it finds all that it needs when it comes back', async () => {
    await startTheirs();
    assert.deepEqual(await tunnels(), [LOCAL_IP, ['vxlan']]);
    await plug();
  });
});
