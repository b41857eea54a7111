import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openKernel } from '../../src/kernel/kernel.js';
import { linkHeader } from '../../src/kernel/links.js';
import { IFF_UP, IFLA, NLM_F, RTM } from '../../src/kernel/netlink/constants.js';
import { attribute, nestedAttribute, textAttribute, u32Attribute } from '../../src/kernel/netlink/message.js';
import { openRequests } from '../../src/kernel/netlink/requests.js';
import {
  type HostState,
  ifIndex,
  type Kernel,
  type Link,
  linkName,
  type Operation,
} from '../../src/model/index.js';
import { isTap } from '../../src/reconcile/see/view.js';
import { enterNamespace, ip, makeNamespace } from '../support/host/netns.js';
import { type Bench, bridgeOf, type Cloud, startTapMaker, tapOf, UPLINK } from './stage.js';
import { startStopwatch } from './stopwatch.js';

const BRIDGE = linkName('brqfloor');

/**
 * The least that a program has to do: told of a tap by the kernel, attach it. No database, no plan, no other taps. Each
 * of `count` taps is timed by the same witness as the agent's, in milliseconds.
 */
export async function bareAttach(bench: Bench, count: number, pauseMs: number): Promise<number[]> {
  const namespace = makeNamespace(bench);
  ip(namespace, 'link', 'add', BRIDGE, 'type', 'bridge');
  ip(namespace, 'link', 'set', BRIDGE, 'up');
  const stopwatch = await startStopwatch(bench, namespace);
  const maker = startTapMaker(bench, namespace);
  enterNamespace(bench, namespace);
  const kernel = openKernel();
  bench.after(() => kernel.close());
  const bridge = kernel.observe().byName.get(BRIDGE);
  if (bridge === undefined) throw new Error('the bridge of the floor is missing');
  kernel.watch(() => attachAll(kernel, bridge));
  const samples: number[] = [];
  for (let number = 1; number <= count; number += 1) {
    const tap = tapOf(number);
    maker.make(tap);
    samples.push(await stopwatch.lap(tap));
    maker.remove(tap);
    await delay(pauseMs);
  }
  return samples;
}

function attachAll(kernel: Kernel, bridge: Link): void {
  const taps = [...kernel.observe().links.values()].filter(isTap);
  const operations = taps
    .filter(({ master }) => master === null)
    .map(({ name, index }): Operation => {
      const target = { name, index };
      const common = { device: name, network: null, scope: 'device', reason: 'the floor' } as const;
      return { ...common, op: 'attach', target, bridge: { name: bridge.name, index: bridge.index } };
    });
  kernel.apply(operations);
}

/**
 * Every netlink request and sysctl that wires these taps, one after another in a bare loop: nothing is looked at before,
 * checked or read back. Milliseconds.
 */
export function bareWiring(bench: Bench, namespace: string, { ports, networks }: Cloud): number {
  enterNamespace(bench, namespace);
  const kernel = openKernel();
  const requests = openRequests();
  const request = (body: Buffer, flags = 0): void => {
    const [answer] = requests.exchange([{ type: RTM.newLink, flags, body }]);
    if (answer?.ok === false) throw new Error(answer.message);
  };
  const quiet = (name: string): void =>
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1', { flag: 'r+' });
  const { byName } = kernel.observe();
  const startedMs = performance.now();
  for (let n = 1; n <= networks; n += 1) makeBridge(request, bridgeOf(n));
  const indexOf = linkIndexes(kernel.observe(), networks);
  for (let n = 1; n <= networks; n += 1) {
    request(Buffer.concat([linkHeader(indexOf(n)), attribute(IFLA.alias, Buffer.from('a'.repeat(62)))]));
    quiet(bridgeOf(n));
    request(linkHeader(indexOf(n), IFF_UP, IFF_UP));
  }
  const uplink = byName.get(linkName(UPLINK));
  if (uplink !== undefined)
    request(Buffer.concat([linkHeader(uplink.index), u32Attribute(IFLA.master, indexOf(1))]));
  for (let n = 1; n <= ports; n += 1) {
    const tap = byName.get(linkName(tapOf(n)))?.index ?? ifIndex(0);
    const bridge = indexOf(((n - 1) % networks) + 1);
    quiet(tapOf(n));
    request(Buffer.concat([linkHeader(tap), u32Attribute(IFLA.master, bridge)]));
    request(linkHeader(tap, IFF_UP, IFF_UP));
  }
  const tookMs = performance.now() - startedMs;
  requests.close();
  void kernel.close();
  return tookMs;
}

function makeBridge(request: (body: Buffer, flags: number) => void, name: string): void {
  const data = nestedAttribute(
    IFLA.infoData,
    u32Attribute(IFLA.bridgeForwardDelay, 0),
    u32Attribute(IFLA.bridgeStpState, 0),
  );
  const info = nestedAttribute(IFLA.linkInfo, textAttribute(IFLA.infoKind, 'bridge'), data);
  request(
    Buffer.concat([linkHeader(0), textAttribute(IFLA.name, name), info]),
    NLM_F.create | NLM_F.exclusive,
  );
}

function linkIndexes(
  { byName }: HostState,
  networks: number,
): (network: number) => ReturnType<typeof ifIndex> {
  const indexes = Array.from(
    { length: networks },
    (_, at) => byName.get(linkName(bridgeOf(at + 1)))?.index ?? ifIndex(0),
  );
  return (network) => indexes[network - 1] ?? ifIndex(0);
}
