import { openKernel } from '../../../src/kernel/kernel.js';
import {
  floodEntry,
  type IfIndex,
  ifIndex,
  type Kernel,
  type LinkRef,
  labelOf,
  linkName,
  networkId,
  type Operation,
  type TunnelMaking,
  tunnelName,
} from '../../../src/model/index.js';
import { tunnelOperations } from '../../../src/reconcile/plan/tunnel.js';
import { enterNamespace, ipBatch, makeNamespace } from '../../support/host/netns.js';
import { figuresOf, type Row } from '../measure.js';
import { cpuOf } from '../processes.js';
import { bridgeOf, networkId as networkNumber, withBench } from '../stage.js';
import { bareFloods, bareTunnels } from '../tunnel-floors.js';

const MTU = 1450;
const AIM = 1.3;
/** An index that nothing in a new namespace has. */
const FIRST_INDEX = 100_000;
const NO_CHANGES = { add: [], remove: [], whole: [] } as const;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
const endpointsOf = (count: number): string[] => numbers(count).map((n) => `10.8.${n >> 8}.${n & 255}`);
const makingOf = (vni: number): TunnelMaking => ({
  vni,
  port: 8472,
  local: '10.9.0.1',
  ttl: null,
  tos: null,
  sourcePorts: null,
  multicast: null,
});

/** Flood entries that are written into tunnels without any, in one batch of a pass. */
export async function floodEntries(tunnels: number, each: number): Promise<Row> {
  const endpoints = endpointsOf(each);
  const written = (work: (kernel: Kernel, made: readonly LinkRef[]) => void): Promise<number> =>
    withKernel(tunnels, (kernel) => {
      apply(
        kernel,
        numbers(tunnels).flatMap((n) => operationsOf(kernel, n, [])),
      );
      const { byName } = kernel.observe();
      const made = numbers(tunnels).map((n) => refOf(byName.get(tunnelName(n))));
      return cpuOf(() => work(kernel, made));
    });
  const byAgent = () =>
    written((kernel, made) =>
      apply(
        kernel,
        made.map(
          (target): Operation => ({
            ...fieldsOf(target.name),
            op: 'set-forwarding',
            target,
            add: endpoints.map(floodEntry),
            remove: [],
          }),
        ),
      ),
    );
  const barely = () =>
    written((_, made) =>
      bareFloods(
        made.map(({ index }) => index ?? ifIndex(0)),
        endpoints,
      ),
    );
  return beside(7, byAgent, barely, {
    scenario: 'flood-entries',
    what: `${tunnels * each} flood entries of ${tunnels} tunnels written, in one batch`,
  });
}

/** Tunnels that are made where there are none, each with a bridge that is there and so many other ends. */
export async function makeTunnels(tunnels: number, each: number): Promise<Row> {
  const endpoints = endpointsOf(each);
  const byAgent = () =>
    withKernel(tunnels, (kernel) => {
      const operations = numbers(tunnels).flatMap((n) => operationsOf(kernel, n, endpoints));
      return cpuOf(() => apply(kernel, operations));
    });
  const barely = () =>
    withKernel(tunnels, (kernel) => {
      const { byName } = kernel.observe();
      const bare = numbers(tunnels).map((n) => ({
        name: tunnelName(n),
        making: makingOf(n),
        bridge: refOf(byName.get(linkName(bridgeOf(n)))).index ?? ifIndex(0),
        label: labelOf(networkId(networkNumber(n))),
        mtu: MTU,
        endpoints,
      }));
      return cpuOf(() => bareTunnels(bare, FIRST_INDEX));
    });
  // The kernel takes seconds to take a thousand tunnels apart again.
  return beside(3, byAgent, barely, {
    scenario: 'make-tunnels',
    what: `${tunnels} tunnels made and attached, ${each} other ends each`,
  });
}

/** Both in turn: what else the machine does meets them alike. */
async function beside(
  runs: number,
  byAgent: () => Promise<number>,
  barely: () => Promise<number>,
  { scenario, what }: Pick<Row, 'scenario' | 'what'>,
): Promise<Row> {
  const samples = { agent: [] as number[], floor: [] as number[] };
  for (let run = 0; run < runs; run += 1) {
    samples.floor.push(await barely());
    samples.agent.push(await byAgent());
  }
  const [measured, floor] = [figuresOf(samples.agent), figuresOf(samples.floor)];
  return {
    scenario,
    what,
    unit: 'ms CPU',
    measured,
    floor: { what: 'bare loop of the same requests', figures: floor },
    aim: { text: `< ${AIM} × the floor`, reached: measured.median < AIM * floor.median },
  };
}

/** Works in a new namespace that has so many labelled bridges. */
const withKernel = (bridges: number, work: (kernel: Kernel) => Promise<number>): Promise<number> =>
  withBench(async (bench) => {
    const namespace = makeNamespace(bench);
    ipBatch(
      namespace,
      numbers(bridges).map((n) => `link add ${bridgeOf(n)} up mtu ${MTU} type bridge forward_delay 0`),
    );
    enterNamespace(bench, namespace);
    const kernel = openKernel();
    bench.after(() => kernel.close());
    kernel.observe();
    return work(kernel);
  });

const fieldsOf = (device: LinkRef['name']) =>
  ({ device, network: null, scope: 'network', reason: 'the benchmark' }) as const;

const refOf = (link: { readonly name: LinkRef['name']; readonly index: IfIndex } | undefined): LinkRef => {
  if (link === undefined) throw new Error('a link of the benchmark is missing');
  return { name: link.name, index: link.index };
};

/** As a pass plans a tunnel that is not there. */
function operationsOf(kernel: Kernel, n: number, endpoints: readonly string[]): Operation[] {
  return tunnelOperations({
    network: networkId(networkNumber(n)),
    mtu: MTU,
    tunnel: {
      name: tunnelName(n),
      existing: null,
      making: makingOf(n),
      mtu: MTU,
      differs: [],
      isOfAnother: false,
    },
    bridge: refOf(kernel.observe().byName.get(linkName(bridgeOf(n)))),
    changes: { ...NO_CHANGES, whole: endpoints.map(floodEntry) },
    replaced: null,
  });
}

function apply(kernel: Kernel, operations: readonly Operation[]): void {
  const failed = kernel.apply(operations).find(({ ok }) => !ok);
  if (failed?.ok === false) throw new Error(`${failed.operation.op}: ${failed.failure.message}`);
}
