import type { Link, LinkRef, Operation } from '../../model/index.js';
import type { Desired, DesiredNetwork, DesiredTap, World } from '../decide/desired.js';

/** What every part of the planner is given. */
export interface PlanContext {
  readonly world: World;
  readonly desired: Desired;
  /** The taps of `desired`, in a list. */
  readonly taps: readonly DesiredTap[];
  /** Uplinks that some network of this plan uses: taken out of an old bridge, but not deleted. */
  readonly wanted: ReadonlySet<Link['index']>;
}

export const present = ({ name, index }: Link): LinkRef => ({ name, index });

export type Fields = Pick<Operation, 'device' | 'network' | 'scope'>;

/** What every operation on a network's bridge or uplink has in common: one that fails stops the network. */
export const fieldsOf = (network: DesiredNetwork, device: LinkRef): Fields => ({
  device: device.name,
  network: network.id,
  scope: 'network',
});

/** Where a tap of the network is attached. */
export function bridgeRef({ place }: DesiredNetwork): LinkRef | null {
  switch (place.kind) {
    case 'present':
    case 'joined':
      return present(place.bridge);
    case 'missing':
      return { name: place.name, index: null };
    case 'blocked':
      return null;
  }
}
