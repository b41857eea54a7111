import type { NetworkId, Operation } from '../../model/index.js';
import type { Desired, World } from '../decide/desired.js';
import { presentUplink } from '../decide/resolve-segment.js';
import { tapsIn } from '../see/view.js';
import { bridgeOperations } from './bridge.js';
import type { PlanContext } from './context.js';
import { emptiedBridges, leaveOperations } from './leave.js';
import { tapFilterOperations } from './tap-filter.js';
import { moveOutOperations, tapOperations } from './taps.js';
import { uplinkOperations } from './uplink.js';

/**
 * The operations that bring the host from what is observed to what is desired, in an order that never joins
 * two segments: what has to leave goes first, then bridges and uplinks come, then taps, and last go the
 * bridges that taps have moved out of. Every prefix of the list leaves a host that a new plan can finish.
 * Empty when there is nothing to do.
 */
export function plan(world: World, desired: Desired): Operation[] {
  const wanted = new Set(
    [...desired.networks.values()].flatMap(({ serves }) =>
      serves === null ? [] : [presentUplink(serves)?.index].filter((index) => index !== undefined),
    ),
  );
  const context: PlanContext = { world, desired, taps: [...desired.taps.values()], wanted };
  const needed = neededNetworks(context);
  const operations = withoutRepetitions([
    ...leaveOperations(context),
    ...context.taps.flatMap((tap) => moveOutOperations(context, tap)),
    ...[...desired.networks.values()].flatMap((network) => [
      ...bridgeOperations(context, network, needed.has(network.id)),
      ...(needed.has(network.id) ? uplinkOperations(context, network) : []),
    ]),
    ...context.taps.flatMap((tap) => tapOperations(context, tap)),
    ...emptiedBridges(context),
  ]);
  return [...tapFilterOperations(world, operations), ...operations];
}

/** Two networks on one interface both want it up. */
function withoutRepetitions(operations: readonly Operation[]): Operation[] {
  const brought = new Set<string>();
  return operations.filter((operation) => {
    if (operation.op !== 'set-up') return true;
    const isFirst = !brought.has(operation.device);
    brought.add(operation.device);
    return isFirst;
  });
}

/** Networks with a tap here: bridges and uplinks are made lazily, and only for these. */
function neededNetworks({ world, desired, taps }: PlanContext): Set<NetworkId> {
  const needed = new Set<NetworkId>();
  for (const { decision } of taps) {
    if (decision.kind === 'wire' || decision.kind === 'wait') needed.add(decision.network);
  }
  const leaving = new Set(
    taps.filter(({ decision }) => decision.kind === 'unwire').map(({ tap }) => tap.index),
  );
  for (const { id, place } of desired.networks.values()) {
    if (place.kind !== 'present') continue;
    if (tapsIn(world.view, place.bridge.index).some(({ index }) => !leaving.has(index))) needed.add(id);
  }
  return needed;
}
