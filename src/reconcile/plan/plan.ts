import type { NetworkId, Operation } from '../../model/index.js';
import type { Desired, DesiredTap } from '../decide/desired.js';
import { bridgeOperations } from './bridge.js';
import type { PlanContext } from './context.js';
import { emptiedBridges, leaveOperations, unwireOperations } from './leave.js';
import { tapFilterOperations } from './tap-filter.js';
import { moveOutOperations, tapOperations } from './taps.js';
import { uplinkOperations } from './uplink.js';

/**
 * The operations that bring the host from what is observed to what is desired, in an order that never joins
 * two segments: what has to leave goes first, then bridges and uplinks come, then taps, and last go the
 * bridges that taps have moved out of. Every prefix of the list leaves a host that a new plan can finish.
 * Empty when there is nothing to do.
 */
export function plan(desired: Desired): Operation[] {
  const { world } = desired;
  const context: PlanContext = { world, desired };
  const { notable } = desired;
  const operations = withoutRepetitions([
    ...notable.flatMap((tap) => unwireOperations(context, tap)),
    ...leaveOperations(context),
    ...notable.flatMap((tap) => moveOutOperations(context, tap)),
    ...networkOperations(context),
    ...notable.flatMap((tap) => tapOperations(context, tap)),
    ...emptiedBridges(context),
  ]);
  return [...tapFilterOperations(world, operations), ...operations];
}

function networkOperations(context: PlanContext): Operation[] {
  const work = workOf(context);
  const needed = work.length === 0 ? new Set() : neededNetworks(context.desired);
  return work.flatMap(({ id, whenNeeded, otherwise }) => (needed.has(id) ? whenNeeded : otherwise));
}

/** What a network's bridge and uplink need while a tap here needs it, and otherwise. */
interface NetworkWork {
  readonly id: NetworkId;
  readonly whenNeeded: readonly Operation[];
  readonly otherwise: readonly Operation[];
}

/** Networks are decided anew when anything changes that this rests on: as long as they are the same, so is their work. */
const works = new WeakMap<Desired['networks'], readonly NetworkWork[]>();

/** Of the networks that need anything. */
function workOf(context: PlanContext): readonly NetworkWork[] {
  const { networks } = context.desired;
  const made =
    works.get(networks) ??
    [...networks.values()].flatMap((network): NetworkWork[] => {
      const whenNeeded = [...bridgeOperations(context, network, true), ...uplinkOperations(context, network)];
      const otherwise = bridgeOperations(context, network, false);
      return whenNeeded.length + otherwise.length === 0 ? [] : [{ id: network.id, whenNeeded, otherwise }];
    });
  works.set(networks, made);
  return made;
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
function neededNetworks({ networks, groups, notable }: Desired): Set<NetworkId> {
  const needed = new Set<NetworkId>();
  for (const { decision } of notable)
    if (decision.kind === 'wire' || decision.kind === 'wait') needed.add(decision.network);
  const leaves = ({ decision }: DesiredTap): boolean => decision.kind === 'unwire';
  for (const { id, place } of networks.values()) {
    const group = place.kind === 'present' ? groups.get(place.bridge.index) : undefined;
    if (group?.taps.every(leaves) === false) needed.add(id);
  }
  return needed;
}
