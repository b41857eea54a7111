import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ENGINES, usually } from '../support/databases/engines.js';
import { DATABASE, waitUntil } from '../support/databases/servers.js';
import {
  type ConfigFile,
  makeConfig,
  type Ran,
  type RunningAgent,
  runCli,
  type Sections,
  startAgent,
} from '../support/host/agent.js';
import { bridgeOf, makeHost, makeTapsOf, masterOf, tapOf, waitForMaster } from '../support/host/host.js';
import { type Cleanup, ip } from '../support/host/netns.js';
import type { ApiPort } from '../support/neutron/api.js';
import { ELSEWHERE, HERE, LIFE, livePorts } from '../support/neutron/life.js';
import { type Neutron, startNeutron } from '../support/neutron/server.js';

const CODES_OF_UNSERVED = ['FIREWALL_NOT_ENFORCED', 'QOS_NOT_SERVED', 'TRUNK_NOT_SERVED'] as const;

for (const { name, start } of usually('MariaDB', ENGINES)) {
  describe(`a neutron-server on ${name}, with our agents alone`, () => {
    const ends: (() => void | Promise<void>)[] = [];
    let neutron: Neutron;

    before(async () => {
      const server = await start();
      ends.unshift(() => server.destroy());
      neutron = await startNeutron({ after: (end) => void ends.unshift(end) }, server);
    });
    after(async () => {
      for (const end of ends) await end();
    });

    test('the API says the right thing after each step in the life of a port', async (t) => {
      const { namespace } = await startHost(t, neutron, HERE, { agent: ['max_removals = 5'] });
      await startHost(t, neutron, ELSEWHERE);
      const steps = await livePorts(neutron, namespace, LIFE);
      for (const { step, says, afterMs } of steps)
        t.diagnostic(`${step}: ${says} after ${afterMs.toFixed(0)} ms`);
      assert.deepEqual(Object.fromEntries(steps.map(({ step, says }) => [step, says])), LIFE);
    });

    test('a tap that comes is ACTIVE and one that goes is DOWN long before the next poll', async (t) => {
      const { namespace } = await startHost(t, neutron, 'host3', { agent: ['polling_interval = 3600'] });
      const { id } = await makePort(neutron, 'host3');
      makeTapsOf(namespace, id);
      await waitForStatus(neutron, id, 'ACTIVE');
      ip(namespace, 'link', 'del', tapOf(id));
      await waitForStatus(neutron, id, 'DOWN');
    });

    test('a status that is written is that alone: the revision of the port and what the server waits for stay as they were', async (t) => {
      const { api, server } = neutron;
      const { namespace } = await startHost(t, neutron, 'host10');
      const { id } = await makePort(neutron, 'host10');
      const { revision_number } = await api.port(id);
      const blocks = (): Promise<unknown> => server.query('select * from provisioningblocks', DATABASE);
      const before = await blocks();
      makeTapsOf(namespace, id);
      await waitForStatus(neutron, id, 'ACTIVE');
      assert.equal((await api.port(id)).revision_number, revision_number);
      assert.deepEqual(await blocks(), before);
    });

    test('a binding that failed while the agent was away is told with its remedy, and the remedy cures it', async (t) => {
      const failed = await makePort(neutron, 'host4');
      assert.equal(failed['binding:vif_type'], 'binding_failed');
      const { namespace, agent, config } = await startHost(t, neutron, 'host4');
      makeTapsOf(namespace, failed.id);
      assert.equal((await agent.warning('PORT_BINDING_FAILED')).port, failed.id);
      const explain = await runCli(namespace, ['--config-file', config.path, 'explain', failed.id]);
      assert.equal(explain.code, 1, explain.stderr);
      assert.match(explain.stdout.replaceAll(/\s+/g, ' '), /`openstack port set --description rebind PORT`/);
      await neutron.api.updatePort(failed.id, { description: 'rebind' });
      await waitForStatus(neutron, failed.id, 'ACTIVE');
      assert.equal((await agent.line('warning cured')).code, 'PORT_BINDING_FAILED');
    });

    test('a port of a VXLAN network is bound where local_ip is on an interface, and nowhere else', async (t) => {
      const agent = [`local_ip = ${TUNNELS_END}`, 'l2_population = true'];
      await startHost(t, neutron, 'host10', { agent, address: TUNNELS_END });
      await startHost(t, neutron, 'host11', { agent });
      const network = await neutron.api.makeNetwork({
        'provider:network_type': 'vxlan',
        'provider:segmentation_id': 1001,
      });
      const boundOn = async (host: string): Promise<string> => {
        const port = { network_id: network, 'binding:host_id': host, device_owner: 'appliance:peer' };
        return (await neutron.api.makePort(port))['binding:vif_type'];
      };
      assert.deepEqual([await boundOn('host10'), await boundOn('host11')], ['bridge', 'binding_failed']);
    });

    test('what ports ask for and do not get is told, and explain names it for one: a filter, QoS, a trunk', async (t) => {
      const { api } = neutron;
      const { namespace, agent, config } = await startHost(t, neutron, 'host6');
      const { policy } = await api.post<{ policy: { id: string } }>('qos/policies', {
        policy: { name: 'slow', project_id: 'p' },
      });
      const { id } = await makePort(neutron, 'host6', { qos_policy_id: policy.id });
      await api.post('trunks', { trunk: { port_id: id, project_id: 'p' } });
      makeTapsOf(namespace, id);
      await waitForStatus(neutron, id, 'ACTIVE');
      for (const code of CODES_OF_UNSERVED) await agent.warning(code);
      const explain = await runCli(namespace, ['--config-file', config.path, '--json', 'explain', id]);
      const { notes } = JSON.parse(explain.stdout) as { notes: { code: string }[] };
      assert.deepEqual(notes.map(({ code }) => code).sort(), CODES_OF_UNSERVED);
    });

    test('a service’s port that is bound to another host is wired where its tap is, and its status is left alone; a machine’s is not wired', async (t) => {
      const { namespace, agent } = await startHost(t, neutron, 'host7');
      await startHost(t, neutron, 'host8');
      const [service, machine] = [
        await makePort(neutron, 'host8', { device_owner: 'network:router_interface' }),
        await makePort(neutron, 'host8', { device_owner: 'compute:nova' }),
      ];
      makeTapsOf(namespace, service.id, machine.id);
      await waitForMaster(namespace, tapOf(service.id), bridgeOf(service.network_id));
      assert.equal((await agent.warning('PORT_BOUND_ELSEWHERE')).port, machine.id);
      assert.equal(masterOf(namespace, tapOf(machine.id)), null);
      assert.equal((await neutron.api.port(service.id)).status, 'DOWN');
    });

    test('a host that only once serves is alive, and the server binds ports to it', async (t) => {
      const { namespace } = makeHost(t);
      const config = makeConfig({ url: neutron.url, agent: ['host = host9'] });
      const once = (): Promise<Ran> => runCli(namespace, ['--config-file', config.path, 'once']);
      assert.equal((await once()).code, 0);
      assert.equal((await neutron.api.agent('host9'))?.alive, true);
      const port = await makePort(neutron, 'host9');
      assert.equal(port['binding:vif_type'], 'bridge');
      makeTapsOf(namespace, port.id);
      assert.equal((await once()).code, 0);
      assert.equal((await neutron.api.port(port.id)).status, 'ACTIVE');
    });

    test('a segment older than a host is closed to it, as schema check says, until it is mapped to the host', async (t) => {
      const { api, server } = neutron;
      const network = await api.makeNetwork({
        'provider:network_type': 'flat',
        'provider:physical_network': 'physnet1',
      });
      const [segment] = (await api.get<{ segments: { id: string }[] }>(`segments?network_id=${network}`))
        .segments;
      const subnet = { network_id: network, ip_version: 4, cidr: '10.88.0.0/24', segment_id: segment?.id };
      await api.post('subnets', { subnet: { tenant_id: 'p', ...subnet } });
      const { namespace, config } = await startHost(t, neutron, 'host5', { mappings: 'physnet1:eth1' });
      const check = async (): Promise<string> =>
        (await runCli(namespace, ['--config-file', config.path, 'schema', 'check'])).stdout;
      const port = { network_id: network, 'binding:host_id': 'host5', device_owner: 'compute:nova' };

      assert.match(await check(), /segmenthostmappings/);
      await assert.rejects(api.makePort(port), /409.*HostNotConnectedToAnySegment/);
      await server.query(`insert into segmenthostmappings values ('${segment?.id}', 'host5')`, DATABASE);
      assert.equal((await api.makePort(port))['binding:vif_type'], 'bridge');
      assert.doesNotMatch(await check(), /segmenthostmappings/);
    });
  });
}

const TUNNELS_END = '192.0.2.6';

/** A host with our agent, which the API says is alive. */
async function startHost(
  t: Cleanup,
  { api, url }: Neutron,
  host: string,
  {
    agent: lines = [],
    mappings = '',
    address,
  }: Pick<Partial<Sections>, 'agent' | 'mappings'> & { readonly address?: string } = {},
): Promise<{ readonly namespace: string; readonly agent: RunningAgent; readonly config: ConfigFile }> {
  const { namespace } = makeHost(t);
  if (address !== undefined) ip(namespace, 'address', 'add', `${address}/24`, 'dev', 'eth1');
  const config = makeConfig({ url, mappings, agent: [`host = ${host}`, ...lines] });
  const agent = await startAgent(t, namespace, config);
  await waitUntil(async () => (await api.agent(host))?.alive === true, `${host} is alive`);
  return { namespace, agent, config };
}

/** A port on a local network of its own. */
const makePort = async ({ api }: Neutron, host: string, more: object = {}): Promise<ApiPort> =>
  api.makePort({
    network_id: await api.makeNetwork(),
    'binding:host_id': host,
    device_owner: 'appliance:peer',
    ...more,
  });

const waitForStatus = ({ api }: Neutron, id: string, status: ApiPort['status']): Promise<void> =>
  waitUntil(async () => (await api.port(id)).status === status, `status ${status} of port ${id}`);
