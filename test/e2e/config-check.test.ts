import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { privateFolder, waitUntil } from '../support/databases/servers.js';
import { makeConfig, runCli, socketUrl } from '../support/host/agent.js';
import { makeHost, networkId, type TestDatabase, withDatabase } from '../support/host/host.js';
import { command, endProcess, ip, spawnIn } from '../support/host/netns.js';

interface Seen {
  readonly findings: readonly { readonly code: string; readonly message: string }[];
  readonly takeOver: readonly string[];
  readonly notes: readonly { readonly code: string }[];
}

async function check(
  namespace: string,
  { server }: TestDatabase,
  agent: readonly string[] = [],
): Promise<Seen & { code: number | null }> {
  const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1', agent });
  const ran = await runCli(namespace, ['--config-file', config.path, '--json', 'config', 'check']);
  return { ...(JSON.parse(ran.stdout) as Seen), code: ran.code };
}

describe('config check on a real host', () => {
  withDatabase(startPostgres, 'ml2-zed', (database) => {
    test('a host that fits ends with 0, also when there is something to note', async (t) => {
      const { namespace } = makeHost(t);
      const seen = await check(namespace, database());
      assert.deepEqual([seen.findings, seen.code], [[], 0]);
      assert.ok(seen.notes.some(({ code }) => code === 'VIF_PLUGGING'));
    });

    test('what Neutron’s agent has left is listed with what to do about it, in order', async (t) => {
      const { namespace } = makeHost(t);
      ip(namespace, 'link', 'add', 'brq11111111-aa', 'type', 'bridge');
      command('ip', 'netns', 'exec', namespace, 'nft', 'add', 'table', 'bridge', 'nat');
      command('ip', 'netns', 'exec', namespace, 'nft', 'add', 'chain', 'bridge', 'nat', 'neutronMAC-tap1');
      const { findings, takeOver } = await check(namespace, database());
      assert.deepEqual(
        findings.map(({ code }) => code),
        ['NEUTRON_RULES_LEFT'],
      );
      assert.deepEqual(
        takeOver.map((step) => step.split(/[:,]/)[0]),
        ['Look at plan', 'Look at schema check', 'Start this agent', 'Take away the 1 chain of rules'],
      );
    });

    test('tunnels that cannot be made, or carry less than the networks of the cloud have, are findings', async (t) => {
      const { namespace } = makeHost(t);
      await database().rows.network({ id: networkId(1), type: 'vxlan', vlanId: 1001 });
      await database().rows.network({
        id: networkId(2),
        type: 'vlan',
        physicalNetwork: 'physnet1',
        vlanId: 7,
      });
      const checked = async () => {
        const settings = ['local_ip = 192.0.2.1', 'l2_population = true'];
        const { findings, code } = await check(namespace, database(), settings);
        return [...findings.map((one) => one.code), code];
      };
      assert.deepEqual(await checked(), ['VXLAN_LOCAL_IP_MISSING', 1]);
      ip(namespace, 'address', 'add', '192.0.2.1/24', 'dev', 'eth1');
      assert.deepEqual(await checked(), ['VXLAN_MTU_TOO_SMALL', 1]);
      ip(namespace, 'link', 'set', 'eth1', 'mtu', '1550');
      assert.deepEqual(await checked(), [0]);
      const listening =
        "const s = require('dgram').createSocket('udp4'); s.bind(8472, () => console.log('up'))";
      const other = spawnIn(namespace, process.execPath, '-e', listening);
      t.after(() => endProcess(other));
      if (other.stdout !== null) await once(other.stdout, 'data');
      assert.deepEqual(await checked(), ['VXLAN_PORT_TAKEN', 1]);
      ip(namespace, 'link', 'set', 'eth1', 'mtu', '1400');
      assert.deepEqual(await checked(), ['VXLAN_PORT_TAKEN', 'VXLAN_MTU_TOO_SMALL', 'MTU_EXCEEDS_UPLINK', 1]);
    });

    test('another LinuxBridge agent in the same namespace is a finding', async (t) => {
      const { namespace, outside } = makeHost(t);
      // The kernel calls a process by its file.
      const program = join(privateFolder('other-agent'), 'neutron-linuxbridge-agent');
      copyFileSync('/bin/sleep', program);
      for (const home of [namespace, outside]) {
        const other = spawnIn(home, 'bash', '-c', `echo up; exec -a neutron-linuxbridge-agent ${program} 60`);
        t.after(() => endProcess(other));
        if (other.stdout !== null) await once(other.stdout, 'data');
      }
      let seen = await check(namespace, database());
      await waitUntil(async () => {
        seen = await check(namespace, database());
        return seen.findings.length > 0;
      }, 'the other agent is found');
      assert.deepEqual(
        [seen.findings.map(({ code }) => code), seen.code],
        [['OTHER_AGENT_RUNS'], 1],
        'one finding: the agent of the other namespace is none',
      );
    });
  });
});
