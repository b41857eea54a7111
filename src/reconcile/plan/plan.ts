import type { NetworkId, Operation } from '../../model/index.js';
import type { Desired } from '../decide/desired.js';
import { neededNetworks } from '../decide/needed.js';
import type { DecidedTunnels } from '../decide/tunnels.js';
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
export function plan(desired: Desired, tunnels: DecidedTunnels): Operation[] {
  const { world } = desired;
  const context: PlanContext = { world, desired, tunnels };
  const { notable } = desired;
  const operations = withoutRepetitions([
    ...tunnels.evicted,
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

interface Work {
  readonly tunnels: DecidedTunnels['tunnels'];
  readonly ofNetworks: readonly NetworkWork[];
}

/** Networks are decided anew when anything changes that this rests on: as long as they and their tunnels are the same, so is their work. */
const works = new WeakMap<Desired['networks'], Work>();

/** Of the networks that need anything. */
function workOf(context: PlanContext): readonly NetworkWork[] {
  const { networks } = context.desired;
  const { tunnels } = context.tunnels;
  const made = works.get(networks);
  if (made?.tunnels === tunnels) return made.ofNetworks;
  const ofNetworks = [...networks.values()].flatMap((network): NetworkWork[] => {
    const whenNeeded = [...bridgeOperations(context, network, true), ...uplinkOperations(context, network)];
    const otherwise = bridgeOperations(context, network, false);
    return whenNeeded.length + otherwise.length === 0 ? [] : [{ id: network.id, whenNeeded, otherwise }];
  });
  works.set(networks, { tunnels, ofNetworks });
  return ofNetworks;
}

/** Two networks on one interface both want it up, and a tunnel leaves its bridge once. */
function withoutRepetitions(operations: readonly Operation[]): Operation[] {
  const told = new Set<string>();
  return operations.filter(({ op, device }) => {
    if (op !== 'set-up' && op !== 'detach') return true;
    const key = `${op} ${device}`;
    const isFirst = !told.has(key);
    told.add(key);
    return isFirst;
  });
}
