import {
  type Link,
  type LinkRef,
  type NetworkId,
  type Operation,
  type OperationOf,
  type Port,
  present,
} from '../../model/index.js';
import type { Desired, DesiredNetwork, World } from '../decide/desired.js';
import type { DecidedTunnels } from '../decide/tunnels.js';

/** What every part of the planner is given. */
export interface PlanContext {
  readonly world: World;
  readonly desired: Desired;
  readonly tunnels: DecidedTunnels;
}

/** What every operation on a network's bridge or uplink has in common: one that fails stops the network. */
export const fieldsOf = (
  network: DesiredNetwork,
  device: LinkRef,
): Pick<Operation, 'device' | 'network' | 'scope'> => ({
  device: device.name,
  network: network.id,
  scope: 'network',
});

/** What is done to a device that is there, or that an operation before makes. */
export const onDevice = (network: DesiredNetwork, target: LinkRef) => ({
  ...fieldsOf(network, target),
  target,
});

/** Why a bridge or an uplink is made deaf. */
export const NO_PART = 'the host takes no part in a network of guests';

/** What every operation on a tap has in common: one that fails stops no other tap. */
export const onTap = (
  tap: Link,
  network: NetworkId | null,
  port: Port | null,
): Omit<OperationOf<'set-up'>, 'op' | 'reason'> => ({
  device: tap.name,
  target: present(tap),
  network,
  ...(port === null ? {} : { port: port.id }),
  scope: 'device',
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
