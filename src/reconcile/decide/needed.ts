import { type NetworkId, onceFor } from '../../model/index.js';
import type { Desired, DesiredTap } from './desired.js';

/** Networks with a tap here: bridges and uplinks are made lazily, and only for these. What rests on a decision asks for them again. */
export const neededNetworks = onceFor(
  ({
    networks,
    groups,
    notable,
  }: Pick<Desired, 'networks' | 'groups' | 'notable'>): ReadonlySet<NetworkId> => {
    const needed = new Set<NetworkId>();
    for (const { decision } of notable)
      if (decision.kind === 'wire' || decision.kind === 'wait') needed.add(decision.network);
    const leaves = ({ decision }: DesiredTap): boolean => decision.kind === 'unwire';
    for (const { id, place } of networks.values()) {
      const group = place.kind === 'present' ? groups.get(place.bridge.index) : undefined;
      if (group?.taps.every(leaves) === false) needed.add(id);
    }
    return needed;
  },
);
