import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  type ForwardingReading,
  heardForwarding,
  readForwarding,
} from '../../src/database/forwarding/read.js';
import type { ForwardingQuestion } from '../../src/model/forwarding.js';
import { networkId } from '../../src/model/ids.js';
import { ENGINES } from '../support/databases/engines.js';
import {
  type ForwardingStage,
  N1,
  N2,
  openForwardingStage,
  S1,
  S2,
} from '../support/databases/forwarding-stage.js';
import { literal } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';

const QUESTION: ForwardingQuestion = {
  tunnels: [
    { segment: S1, network: networkId(N1), vni: 1001 },
    { segment: S2, network: networkId(N2), vni: 1002 },
  ],
  vnis: [],
};
const SHAPES = [
  { shape: 'with the index on segments', index: true },
  { shape: 'without the index on segments', index: false },
] as const;

for (const engine of ENGINES) {
  describe(`who is behind which tunnel, on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());
    for (const { shape, index } of SHAPES) {
      describe(shape, () => {
        let stage: ForwardingStage;
        before(async () => {
          stage = await openForwardingStage(server, index);
          assert.equal(stage.reader.source.countsBy, index ? 'segment' : 'network');
        });
        after(() => stage.close());
        beforeEach(() => stage.clear());
        const query = (statement: string) => stage.query(statement);
        const read = (last: ForwardingReading | null = null, question = QUESTION) =>
          readForwarding(stage.reader, question, last);
        /** A poll as the agent makes it: what it knows to ask first, more only where that does not settle it. */
        async function poll(last: ForwardingReading): Promise<ForwardingReading> {
          const found = [];
          for (const { statement } of last.asks) found.push(await stage.reader.connection.select(statement));
          return heardForwarding(stage.reader, last, found) ?? read(last, last.question);
        }
        const hostsOf = ({ answer }: ForwardingReading, segment = S1) => answer.hosts.get(segment);

        it('lists every host that has a port of the segment, by itself once, whatever state the port has', async () => {
          await stage.bind('p1', 'host1');
          await stage.bind('p2', 'host2');
          await stage.bind('p3', 'host2');
          await stage.rows.binding({ port: 'p2', host: 'host3', segment: S1, status: 'INACTIVE' });
          await stage.bind('p4', 'host9', N2, S2);
          await query(`update ports set status = 'DOWN', admin_state_up = false`);
          const reading = await read();
          assert.deepEqual(hostsOf(reading), ['host1', 'host2', 'host3']);
          assert.deepEqual(hostsOf(reading, S2), ['host9']);
        });

        it('a segment without any binding has an empty list', async () => {
          assert.deepEqual(hostsOf(await read()), []);
        });

        it('says where the tunnels of each host end, by an agent of this kind first, dead or not', async () => {
          for (const host of ['host1', 'host2', 'host3', 'host4', 'host5', 'host6'])
            await stage.bind(`p-${host}`, host);
          await stage.agent('host1', { tunneling_ip: '192.0.2.1', tunnel_types: ['vxlan'] });
          await stage.agent(
            'host1',
            { tunneling_ip: '198.51.100.1', tunnel_types: ['vxlan'] },
            'Open vSwitch agent',
          );
          await stage.agent(
            'host2',
            { tunneling_ip: '198.51.100.2', tunnel_types: ['gre', 'vxlan'] },
            'Open vSwitch agent',
          );
          await stage.agent(
            'host3',
            { tunneling_ip: '198.51.100.3', tunnel_types: ['gre'] },
            'Open vSwitch agent',
          );
          await stage.agent('host4', { tunneling_ip: '2001:DB8:0::4', tunnel_types: [] });
          await stage.agent('host5', '{"tunneling_ip": ');
          const { endpoints } = (await read()).answer;
          assert.deepEqual(endpoints.get('host1'), { kind: 'address', address: '192.0.2.1' });
          assert.deepEqual(endpoints.get('host2'), { kind: 'address', address: '198.51.100.2' });
          assert.deepEqual(endpoints.get('host3'), {
            kind: 'unknown',
            problem: 'no agent in agents has a tunnel there',
          });
          assert.deepEqual(endpoints.get('host4'), { kind: 'address', address: '2001:db8::4' });
          const broken = 'configurations of its agent is "{\\"tunneling_ip\\": "';
          assert.deepEqual(endpoints.get('host5'), { kind: 'unknown', problem: broken });
          assert.deepEqual(endpoints.get('host6'), { kind: 'unknown', problem: 'it has no row in agents' });
        });

        it('bad addresses are said, and cost only themselves', async () => {
          const bad = { host1: '', host2: 'tunnel.example', host3: 7, host4: '192.0.2.1/24' };
          for (const [host, tunneling_ip] of Object.entries(bad)) {
            await stage.bind(`p-${host}`, host);
            await stage.agent(host, { tunneling_ip });
          }
          await stage.bind('p-host5', 'host5');
          await stage.agent('host5', { tunneling_ip: '192.0.2.5' });
          const { endpoints } = (await read()).answer;
          const told = Object.keys(bad).map((host) => endpoints.get(host));
          assert.deepEqual(told, [
            { kind: 'unknown', problem: 'its agent says no tunneling_ip' },
            { kind: 'unknown', problem: 'the tunneling_ip of its agent is "tunnel.example"' },
            { kind: 'unknown', problem: 'its agent says no tunneling_ip' },
            { kind: 'unknown', problem: 'the tunneling_ip of its agent is "192.0.2.1/24"' },
          ]);
          assert.deepEqual(endpoints.get('host5'), { kind: 'address', address: '192.0.2.5' });
        });

        it('more than 200 hosts are found by the kind of their agent', async () => {
          const hosts = Array.from({ length: 250 }, (_, at) => `host${at}`).sort();
          await stage.manyPorts(500, N1, S1, 250);
          await stage.agent('host0', { tunneling_ip: '192.0.2.1' });
          await stage.agentsOfBound('192.0.2.2');
          const { answer } = await read();
          assert.deepEqual(answer.hosts.get(S1), hosts);
          assert.ok(hosts.every((host) => answer.endpoints.get(host)?.kind === 'address'));
          assert.ok(stage.selects.some((sql) => sql.includes('agent_type') && sql.includes('in (?, ?)')));
        });

        it("the hosts of a router's standbys belong to the list of its network", async () => {
          await stage.bind('p1', 'host1');
          await stage.bind('p2', 'host2', N1, S1, 'network:ha_router_replicated_interface');
          for (const host of ['host2', 'host3']) {
            await stage.agent(host, {}, 'L3 agent', `l3-${host}`);
            await query(
              `insert into ha_router_agent_port_bindings values (${literal(`ha-${host}`)}, 'router-1', ${literal(`l3-${host}`)}, 'standby')`,
            );
          }
          const reading = await read();
          assert.deepEqual(hostsOf(reading), ['host1', 'host2', 'host3']);
          assert.deepEqual(hostsOf(reading, S2), []);
        });

        it('where nothing has changed a poll asks once more what it asked, and the answer is the same object', async () => {
          await stage.bind('p1', 'host1');
          await stage.bind('p2', 'host2');
          await stage.agent('host2', { tunneling_ip: '192.0.2.2' });
          const first = await read();
          const second = await poll(first);
          stage.selects.length = 0;
          const third = await poll(second);
          assert.equal(third.answer, first.answer);
          assert.equal(third.asks, second.asks);
          // Without the index there are also the bindings of some ports, since a port that moves changes no count of ports.
          assert.equal(stage.selects.length, index ? 1 : 2);
        });

        it('notices a port that is new, one that moves, one that is unbound and one that is deleted', async () => {
          await stage.bind('p1', 'host1');
          let now = await read();
          await stage.bind('p2', 'host2');
          now = await poll(now);
          assert.deepEqual(hostsOf(now), ['host1', 'host2']);
          await query(`update ml2_port_binding_levels set host = 'host3' where port_id = 'p2'`);
          now = await poll(now);
          assert.deepEqual(hostsOf(now), ['host1', 'host3']);
          await query(`update ml2_port_binding_levels set segment_id = null where port_id = 'p2'`);
          now = await poll(now);
          assert.deepEqual(hostsOf(now), ['host1']);
          await query(`delete from ml2_port_binding_levels`);
          await query(`delete from ports`);
          now = await poll(now);
          assert.deepEqual(hostsOf(now), []);
          assert.deepEqual([...now.answer.endpoints.keys()], []);
        });

        it('an address that changes is seen when its term is over, and a host that is new at once', async () => {
          await stage.bind('p1', 'host1');
          await stage.agent('host1', { tunneling_ip: '192.0.2.1' });
          let now = await read();
          await query(`update agents set configurations = '{"tunneling_ip": "192.0.2.9"}'`);
          now = await poll(now);
          assert.deepEqual(now.answer.endpoints.get('host1'), { kind: 'address', address: '192.0.2.1' });
          stage.overdue.add(60_000);
          now = await poll(await poll(now));
          assert.deepEqual(now.answer.endpoints.get('host1'), { kind: 'address', address: '192.0.2.9' });
          stage.overdue.clear();
          await stage.bind('p2', 'host2');
          await stage.agent('host2', { tunneling_ip: '192.0.2.2' });
          now = await poll(now);
          assert.deepEqual(now.answer.endpoints.get('host2'), { kind: 'address', address: '192.0.2.2' });
        });

        it('a network that is asked about no more leaves, and one that is new is read at once', async () => {
          await stage.bind('p1', 'host1');
          await stage.bind('p2', 'host2', N2, S2);
          const [one, other] = QUESTION.tunnels;
          assert.ok(one && other);
          const first = await read(null, { tunnels: [one], vnis: [] });
          assert.deepEqual([...first.answer.hosts], [[S1, ['host1']]]);
          const second = await read(first, { tunnels: [other], vnis: [] });
          assert.deepEqual([...second.answer.hosts], [[S2, ['host2']]]);
          assert.deepEqual([...second.answer.endpoints.keys()], ['host2']);
        });

        it('tells whose a VNI is, only when it is asked', async () => {
          await stage.rows.segment(S2, { id: N2, type: 'vxlan', vlanId: 1001 });
          const reading = await read(null, { tunnels: [], vnis: [1001, 1002] });
          assert.deepEqual([...reading.answer.vnis], [[1001, [N2]]]);
          assert.deepEqual([...(await read(reading, QUESTION)).answer.vnis], [[1001, [N2]]]);
        });

        it('a segment with more bindings than one statement may find is alone in one', async () => {
          await stage.manyPorts(2_500, N1, S1);
          await stage.bind('p-other', 'host-other', N2, S2);
          const reading = await read();
          assert.equal(hostsOf(reading)?.length, 100);
          assert.deepEqual(hostsOf(reading, S2), ['host-other']);
          assert.equal(
            stage.selects.filter((sql) => sql.startsWith('select distinct') && !sql.includes('standby'))
              .length,
            2,
          );
        });

        it('more bindings than a poll may count are counted in rotation', async () => {
          await stage.manyPorts(9_990, N1, S1);
          await stage.manyPorts(20, N2, S2);
          let now = await read();
          await stage.bind('p-new', 'host-new');
          await stage.bind('q-new', 'host-new', N2, S2);
          const lists = () => [S1, S2].map((segment) => hostsOf(now, segment)?.includes('host-new'));
          now = await poll(now);
          assert.equal(lists().filter(Boolean).length, 1);
          now = await poll(now);
          assert.deepEqual(lists(), [true, true]);
        });
      });
    }
  });
}
