import { openKernel } from '../../src/kernel/kernel.js';
import { ifIndex, type LinkName, linkName, type Operation } from '../../src/model/index.js';
import { enterNamespace, ip, makeNamespace } from '../support/netns.js';
import { type Bench, portId, startTapMaker, tapOf } from './stage.js';

const BRIDGE = linkName('brqfloor');

/**
 * The least that a program has to do: told of a tap by the kernel, attach it. No database, no plan, no other taps.
 * Milliseconds from the tap's being seen to its being in the bridge, for each of `count` taps.
 */
export async function bareAttach(bench: Bench, count: number): Promise<number[]> {
  const namespace = makeNamespace(bench);
  ip(namespace, 'link', 'add', BRIDGE, 'type', 'bridge');
  ip(namespace, 'link', 'set', BRIDGE, 'up');
  enterNamespace(bench, namespace);
  const kernel = openKernel({ routesOf: () => false });
  bench.after(() => kernel.close());
  const bridge = kernel.observe().byName.get(BRIDGE);
  if (bridge === undefined) throw new Error('the bridge of the floor is missing');
  const maker = startTapMaker(bench, namespace);
  const samples: number[] = [];
  for (let number = 1; number <= count; number += 1) {
    const tap = linkName(tapOf(number));
    samples.push(await attachWhenSeen(kernel, tap, bridge.index, () => maker.make(tap)));
  }
  return samples;
}

function attachWhenSeen(
  kernel: ReturnType<typeof openKernel>,
  tap: LinkName,
  bridge: number,
  make: () => void,
): Promise<number> {
  return new Promise((settle) => {
    kernel.watch(() => {
      const seenMs = performance.now();
      const link = kernel.observe().byName.get(tap);
      if (link === undefined || link.master !== null) return;
      const operation: Operation = {
        op: 'attach',
        device: tap,
        target: { name: tap, index: link.index },
        bridge: { name: BRIDGE, index: ifIndex(bridge) },
        network: null,
        scope: 'device',
        reason: `floor ${portId(1)}`,
      };
      kernel.apply([operation]);
      settle(performance.now() - seenMs);
    });
    make();
  });
}
