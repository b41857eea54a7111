import {
  FILTERED_GROUP,
  type FrameDrops,
  isSame,
  type Link,
  linkName,
  type Operation,
  TAP_FILTER_TABLE,
} from '../../model/index.js';
import type { DesiredNetwork, World } from '../decide/desired.js';
import { isFiltered } from '../decide/filtered.js';

const NOTHING: FrameDrops = { tagged: false, switchFrames: false };

/** The agent's nftables table, as long as there is a bridge that it is for; before anything comes into that bridge. */
export function tapFilterOperations({ view, settings }: World, planned: readonly Operation[]): Operation[] {
  const { tapFilter } = view.observed;
  if (tapFilter.kind === 'unknown' || tapFilter.kind === 'unsupported') return [];
  const isNeeded =
    planned.some(({ op }) => op === 'create-bridge') ||
    [...view.agentBridges.values()].some(({ group }) => group === FILTERED_GROUP);
  const wanted = { tagged: settings.dropTaggedFrames, switchFrames: settings.dropSwitchFrames };
  const drops = isNeeded ? wanted : NOTHING;
  const present =
    tapFilter.kind === 'present' ? tapFilter.drops : tapFilter.kind === 'absent' ? NOTHING : null;
  if (present !== null && isSame(drops, present)) return [];
  return [
    {
      op: 'set-tap-filter',
      device: linkName(TAP_FILTER_TABLE),
      network: null,
      scope: 'device',
      drops,
      reason: isSame(drops, NOTHING)
        ? 'no bridge of the agent needs its nftables table'
        : 'frames of guests that are tagged or speak to the switch go no further than their tap',
    },
  ];
}

/** The device group that a tap gets when it is attached; none where its own has nothing to do with the agent. */
export function groupOnAttach(world: World, network: DesiredNetwork, tap: Link): { group?: number } {
  if (isFiltered(world, network)) return { group: FILTERED_GROUP };
  return tap.group === FILTERED_GROUP ? { group: 0 } : {};
}
