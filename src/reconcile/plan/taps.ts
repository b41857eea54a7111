import {
  FILTERED_GROUP,
  isSame,
  type Link,
  type NetworkId,
  type Operation,
  type Port,
  present,
} from '../../model/index.js';
import type { DesiredNetwork, DesiredTap } from '../decide/desired.js';
import { isFiltered } from '../decide/filtered.js';
import { ownAddresses } from '../see/view.js';
import { APART } from './bridge.js';
import { bridgeRef, onTap, type PlanContext } from './context.js';
import { groupOnAttach } from './tap-filter.js';

/** What one tap needs: attached to its network's bridge, up, quiet in IPv6, with the network's MTU. */
export function tapOperations(context: PlanContext, { tap, decision }: DesiredTap): Operation[] {
  if (decision.kind === 'blocked' && tap.master === null)
    return outside(tap, decision.port, decision.port.networkId);
  if (decision.kind !== 'wire' && decision.kind !== 'wait') return [];
  const network = context.desired.networks.get(decision.network);
  if (decision.kind === 'wait') {
    const why = 'no router advertisement of a guest may reach the host';
    const { port } = decision;
    return [...quiet(tap, port, decision.network, why), ...grouped(context, tap, port, network)];
  }
  const bridge = network === undefined ? null : bridgeRef(network);
  if (network === undefined || bridge === null) return [];
  const { port } = decision;
  const fields = onTap(tap, network.id, port);
  const inPlace = tap.master !== null && tap.master === bridge.index;
  const isMoving = tap.master !== null && !inPlace;
  const why = 'no router advertisement of a guest may reach the host';
  const operations = isMoving ? [] : quiet(tap, port, network.id, why);
  if (network.mtu !== null && tap.mtu !== network.mtu) {
    const reason = `network ${network.id} has MTU ${network.mtu}, the tap ${tap.mtu}`;
    operations.push({ ...fields, op: 'set-mtu', mtu: network.mtu, reason });
  }
  if (inPlace) operations.push(...grouped(context, tap, port, network));
  else {
    const reason = `port ${port.id} is up and on network ${network.id}`;
    const group = groupOnAttach(context.world, network, tap);
    operations.push({ ...fields, op: 'attach', bridge, ...group, reason });
  }
  if (!tap.up) operations.push({ ...fields, op: 'set-up', reason: 'a wired tap is up' });
  return operations;
}

/** A tap that libvirt plugs itself is filtered from its first frame on, and one that has lost its group is so again. */
function grouped(
  context: PlanContext,
  tap: Link,
  port: Port,
  network: DesiredNetwork | undefined,
): Operation[] {
  if (network === undefined || tap.group === FILTERED_GROUP || !isFiltered(context.world, network)) return [];
  const reason = 'frames of its guest are filtered';
  return [{ ...onTap(tap, network.id, port), op: 'set-group', group: FILTERED_GROUP, reason }];
}

/**
 * A tap whose port is on another network now leaves its old bridge before anything new comes into that one: the two
 * networks are not joined, not for one frame.
 */
export function moveOutOperations(context: PlanContext, { tap, decision }: DesiredTap): Operation[] {
  if (decision.kind !== 'wire' || tap.master === null) return [];
  const network = context.desired.networks.get(decision.network);
  const bridge = network === undefined ? null : bridgeRef(network);
  const old = context.world.view.observed.links.get(tap.master);
  if (network === undefined || bridge === null || old === undefined || old.index === bridge.index) return [];
  const { port } = decision;
  const reason = `port ${port.id} is on network ${network.id} now`;
  return [
    ...quiet(tap, port, network.id, 'a detached tap must not give the host a route'),
    { ...onTap(tap, network.id, port), op: 'detach', bridge: present(old), reason },
  ];
}

/**
 * A tap in no bridge is a link of the host like any other: what its guest sends would be the host's to take, and to forward.
 * As a port of a bridge it needs none of this.
 */
export function outside(tap: Link, port: Port | null, network: NetworkId | null): Operation[] {
  const operations = quiet(tap, port, network, 'no router advertisement of a guest may reach the host');
  // One with addresses is a gateway of the host's own (Essex).
  if (tap.ipv4 === null || isSame(tap.ipv4, APART) || ownAddresses(tap).length > 0) return operations;
  const reason = 'the host takes nothing from a guest that is in no network';
  return [...operations, { ...onTap(tap, network, port), op: 'set-ipv4', settings: APART, reason }];
}

/** `disable_ipv6` on a tap, before it is attached and before it is detached, unless it is set already. */
function quiet(tap: Link, port: Port | null, network: NetworkId | null, reason: string): Operation[] {
  if (tap.ipv6 === null || tap.ipv6.disabled) return [];
  return [{ ...onTap(tap, network, port), op: 'disable-ipv6', reason }];
}
