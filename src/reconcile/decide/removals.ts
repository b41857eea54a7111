import type { Link, NetworkId } from '../../model/index.js';
import type { Bridge } from '../see/view.js';
import { type DesiredNetwork, mayGo, type Removal, type Removals, type World } from './desired.js';

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
  return mayGo(removals, removal.key);
}

/** The removal that takes the tap out of its bridge. */
export const detachKey = ({ name, index }: Link): string => `detach ${name} ${index}`;

/** The removal that takes it to the bridge of another network. */
export const moveKey = ({ name, index }: Link, network: NetworkId): string =>
  `move ${name} ${index} ${network}`;

/** The removal that takes these uplinks out of the bridge. */
export const uplinkKey = ({ name }: Bridge, leaving: readonly Link[]): string =>
  `uplink ${name} ${leaving.map((link) => link.name).join(',')}`;

/** The removal that deletes the bridge. */
export const deletionKey = ({ name, index }: Bridge): string => `bridge ${name} ${index}`;
