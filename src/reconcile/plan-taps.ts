import type { Link, LinkRef, NetworkId, Operation, Port } from '../model/index.js';
import type { DesiredTap } from './desired.js';
import { bridgeRef, type PlanContext, present } from './plan-context.js';

/** What one tap needs: attached to its network's bridge, up, quiet in IPv6, with the network's MTU. */
export function tapOperations(context: PlanContext, { tap, decision }: DesiredTap): Operation[] {
  if (decision.kind === 'wait') {
    return quiet(
      tap,
      decision.port,
      decision.network,
      'no router advertisement of a guest may reach the host',
    );
  }
  if (decision.kind !== 'wire') return [];
  const network = context.desired.networks.get(decision.network);
  const bridge = network === undefined ? null : bridgeRef(network);
  if (network === undefined || bridge === null) return [];
  const { port } = decision;
  const common = { device: tap.name, network: network.id, port: port.id, scope: 'device' } as const;
  const inPlace = tap.master !== null && tap.master === bridge.index;
  const operations = quiet(tap, port, network.id, 'no router advertisement of a guest may reach the host');
  if (network.mtu !== null && tap.mtu !== network.mtu) {
    const reason = `network ${network.id} has MTU ${network.mtu}, the tap ${tap.mtu}`;
    operations.push({ ...common, op: 'set-mtu', target: present(tap), mtu: network.mtu, reason });
  }
  if (!inPlace) operations.push(...joinOperations(context, tap, port, network.id, bridge));
  if (!tap.up) {
    operations.push({ ...common, op: 'set-up', target: present(tap), reason: 'a wired tap is up' });
  }
  return operations;
}

function joinOperations(
  { world }: PlanContext,
  tap: Link,
  port: Port,
  network: NetworkId,
  bridge: LinkRef,
): Operation[] {
  const common = { device: tap.name, network, port: port.id, scope: 'device' } as const;
  const old = tap.master === null ? undefined : world.view.observed.links.get(tap.master);
  const reason = `port ${port.id} is up and on network ${network}`;
  const attach: Operation = { ...common, op: 'attach', target: present(tap), bridge, reason };
  return old === undefined
    ? [attach]
    : [
        {
          ...common,
          op: 'detach',
          target: present(tap),
          bridge: present(old),
          reason: `port ${port.id} is on network ${network} now`,
        },
        attach,
      ];
}

/** `disable_ipv6` on a tap, before it is attached and before it is detached, unless it is set already. */
export function quiet(tap: Link, port: Port | null, network: NetworkId | null, reason: string): Operation[] {
  if (tap.ipv6 === null || tap.ipv6.disabled) return [];
  const operation: Operation = {
    op: 'disable-ipv6',
    device: tap.name,
    target: present(tap),
    network,
    ...(port === null ? {} : { port: port.id }),
    scope: 'device',
    reason,
  };
  return [operation];
}
