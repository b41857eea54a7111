import { setTimeout as delay } from 'node:timers/promises';
import type { EngineName } from '../../support/databases/engines.js';
import type { TestServer } from '../../support/databases/servers.js';
import { makeConfig, socketUrl, startAgent, statusOf } from '../../support/host/agent.js';
import { command, ip, makeNamespace, makeTaps } from '../../support/host/netns.js';
import { type Figures, figuresOf, type Row } from '../measure.js';
import { cpuMs, serverRunMs, serverSpentMs } from '../processes.js';
import { asInstalled, tapOf, withBench } from '../stage.js';
import {
  countIn,
  countOthers,
  LOCAL,
  NETWORKS_EACH,
  SIZES,
  type Size,
  tunnelCloudOn,
} from '../tunnel-stage.js';

const WINDOWS = 7;
const WINDOW_MS = 2_000;
/** Until every list is read and written, and the code is warm. */
const WARM_UP_MS = 10_000;
const AIM_MS = 3;

/** In each window, for a poll. */
interface Spent {
  readonly agent: Figures;
  readonly server: Figures;
  readonly together: Figures;
}

/** What a steady poll costs on a host with tunnels, beside the same host whose networks are local; `indexed`: with the index on segments. */
export const tunnelPolls = (engine: EngineName, indexed: boolean): Promise<Row[]> =>
  withBench(async (bench) => {
    const server = await tunnelCloudOn(bench, engine, indexed);
    const rows: Row[] = [];
    for (const size of SIZES) {
      await server.query("update networksegments set network_type = 'local'", 'quantum');
      const without = await spentBy(server, size, 0);
      await server.query("update networksegments set network_type = 'vxlan'", 'quantum');
      const spent = await spentBy(server, size, NETWORKS_EACH * countOthers(size));
      rows.push(...rowsOf(`${engine}${indexed ? '' : ' without the index'}`, size, spent, without));
    }
    return rows;
  });

async function spentBy(server: TestServer, size: Size, entries: number): Promise<Spent> {
  return withBench(async (bench) => {
    const namespace = makeNamespace(bench);
    ip(namespace, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'far');
    for (const end of ['eth1', 'far']) ip(namespace, 'link', 'set', end, 'mtu', '1600', 'up');
    ip(namespace, 'address', 'add', `${LOCAL}/16`, 'dev', 'eth1');
    makeTaps(namespace, size.networks.map(tapOf));
    const config = makeConfig({
      url: socketUrl(server),
      // A busy machine must not make it a measurement of failures.
      database: ['query_timeout = 20', 'connect_timeout = 20'],
      agent: ['polling_interval = 0.2', `local_ip = ${LOCAL}`, 'l2_population = true'],
    });
    const { pid } = await startAgent(bench, namespace, config, asInstalled());
    await delay(WARM_UP_MS);
    const printed = command('bridge', '-n', namespace, 'fdb', 'show');
    const found = printed.split('\n').filter((line) => line.startsWith('00:00:00:00:00:00 ')).length;
    if (found !== entries) {
      const { warnings } = await statusOf(config);
      throw new Error(`${found} flood entries instead of ${entries}: ${warnings[0]?.message}`);
    }
    const polls = async (): Promise<number> =>
      Number((await statusOf(config)).lastPass?.pass.split('-').at(-1));
    const samples: { readonly agent: number; readonly server: number }[] = [];
    for (let window = 0; window < WINDOWS; window += 1) {
      const first = await polls();
      const [agentMs, before] = [cpuMs(pid), serverRunMs(server)];
      await delay(WINDOW_MS);
      const [agent, spent] = [cpuMs(pid) - agentMs, serverSpentMs(server, before)];
      const count = (await polls()) - first;
      if (count > 0) samples.push({ agent: agent / count, server: spent / count });
    }
    return {
      agent: figuresOf(samples.map((one) => one.agent)),
      server: figuresOf(samples.map((one) => one.server)),
      together: figuresOf(samples.map((one) => one.agent + one.server)),
    };
  });
}

function rowsOf(where: string, size: Size, spent: Spent, without: Spent): Row[] {
  const what = `steady poll, ${NETWORKS_EACH} tunnels of ${size.ports} ports, ${where}`;
  const rowOf = (part: keyof Spent, aim: Row['aim'] = null): Row => ({
    scenario: 'tunnel-poll',
    what: `${part === 'together' ? 'agent and server' : part} CPU, ${what}`,
    unit: 'ms CPU',
    measured: spent[part],
    floor: { what: 'the same host, networks local', figures: without[part] },
    aim,
  });
  const more = spent.together.median - without.together.median;
  const aim = { text: `at most ${AIM_MS} ms more`, reached: more <= AIM_MS };
  return [rowOf('agent'), rowOf('server'), rowOf('together', countIn(size) === 10_000 ? aim : null)];
}
