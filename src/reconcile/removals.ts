import type { Link, NetworkId } from '../model/index.js';
import type { DesiredNetwork, Removal, Removals, World } from './desired.js';

/** One decision in the making: what it rests on, and the removals it has found. */
export interface Deciding {
  readonly world: World;
  readonly networks: ReadonlyMap<NetworkId, DesiredNetwork>;
  readonly removals: Removals;
  readonly found: Removal[];
}

/**
 * Notes the removal, and tells whether it may be part of this plan. Whatever was not there before the database
 * was asked is no removal at all: it stays.
 */
export function mayRemove({ world, removals, found }: Deciding, concerned: Link, removal: Removal): boolean {
  if (world.knowledge.presentBefore?.has(concerned.index) !== true) return false;
  found.push(removal);
  return removals === 'allowed';
}
