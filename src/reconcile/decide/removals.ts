import type { Link, NetworkId } from '../../model/index.js';
import type { Bridge } from '../see/view.js';
import type { Desired, Removals, World } from './desired.js';

/** What a decision about taps and bridges rests on, once it is known how the networks are. */
export interface Deciding {
  readonly world: World;
  readonly networks: Desired['networks'];
  readonly removals: Removals;
}

/** Whatever was not there before the database was asked is not removed at all: it stays. */
export const wasHere = ({ knowledge }: World, { index }: Link): boolean =>
  knowledge.presentBefore?.has(index) === true;

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
