import { bridgeMac, type LinkRef, labelOf, networkOfLabel, type Operation } from '../model/index.js';
import type { DesiredNetwork } from './desired.js';
import { bridgeRef, type Fields, fieldsOf, type PlanContext, present } from './plan-context.js';
import { type Bridge, foreignMembers, ownAddresses, type View } from './view.js';

/** The bridge of one network: made when a tap needs it, kept right while it is the agent's. */
export function bridgeOperations(
  context: PlanContext,
  network: DesiredNetwork,
  needed: boolean,
): Operation[] {
  const { place } = network;
  if (place.kind === 'missing') return needed && network.serves !== null ? makeBridge(context, network) : [];
  if (place.kind !== 'present') return [];
  const labelled = networkOfLabel(place.bridge.alias) !== null;
  return labelled || needed ? repairBridge(context, network, place.bridge) : [];
}

function makeBridge(context: PlanContext, network: DesiredNetwork): Operation[] {
  const target = bridgeRef(network);
  if (target === null) return [];
  const fields = fieldsOf(network, target);
  const why = `network ${network.id} has a tap here`;
  const { dropTaggedFrames } = context.world.settings;
  return [
    {
      ...fields,
      op: 'create-bridge',
      mac: macForBridge(context, network),
      vlanFiltering: dropTaggedFrames,
      reason: why,
    },
    {
      ...fields,
      op: 'set-label',
      target,
      label: labelOf(network.id),
      reason: `marks the bridge as the agent's`,
    },
    ...ipv6OfNewBridge(network, target, fields),
    ...(network.mtu === null
      ? []
      : [
          {
            ...fields,
            op: 'set-mtu',
            target,
            mtu: network.mtu,
            reason: `network ${network.id} has MTU ${network.mtu}`,
          } as const,
        ]),
    { ...fields, op: 'set-up', target, reason: why },
  ];
}

/** Its flat uplink's, so that neighbours keep the host's addresses; else one that depends on names only. */
function macForBridge({ world }: PlanContext, network: DesiredNetwork): string {
  return network.serves?.kind === 'interface'
    ? network.serves.link.mac
    : bridgeMac(network.id, world.settings.host);
}

function ipv6OfNewBridge(network: DesiredNetwork, target: LinkRef, fields: Fields): Operation[] {
  if (network.serves?.kind !== 'interface') {
    return [
      { ...fields, op: 'disable-ipv6', target, reason: 'the host takes no part in a network of guests' },
    ];
  }
  const settings = network.serves.link.ipv6;
  return settings === null
    ? []
    : [
        {
          ...fields,
          op: 'set-ipv6',
          target,
          settings,
          reason: `takes the place of ${network.serves.link.name}`,
        },
      ];
}

function repairBridge(context: PlanContext, network: DesiredNetwork, bridge: Bridge): Operation[] {
  const target = present(bridge);
  const fields = fieldsOf(network, target);
  const operations: Operation[] = [];
  if (bridge.alias !== labelOf(network.id) && !hasMacOfStranger(context.world.view, bridge)) {
    operations.push({
      ...fields,
      op: 'set-label',
      target,
      label: labelOf(network.id),
      reason: `marks the bridge as the agent's`,
    });
  }
  if (bridge.detail.stp || bridge.detail.forwardDelayMs !== 0) {
    operations.push({ ...fields, op: 'set-bridge-options', target, reason: 'a tap has to forward at once' });
  }
  operations.push(...ipv6Repair(network, bridge, fields));
  if (network.mtu !== null && bridge.mtu !== network.mtu) {
    operations.push({
      ...fields,
      op: 'set-mtu',
      target,
      mtu: network.mtu,
      reason: `network ${network.id} has MTU ${network.mtu}, the bridge ${bridge.mtu}`,
    });
  }
  if (!bridge.up) operations.push({ ...fields, op: 'set-up', target, reason: 'the bridge is down' });
  return operations;
}

/**
 * A bridge that nobody gave a MAC address has that of a port. With a label that would mean that the port is its
 * uplink (see `uplinksOf`): one that has a stranger's stays known by its name alone.
 */
const hasMacOfStranger = (view: View, bridge: Bridge): boolean =>
  foreignMembers(view, bridge).some(({ mac }) => mac === bridge.mac);

/** A flat bridge keeps what it took from its uplink; any other takes no part in IPv6, unless it has addresses. */
function ipv6Repair(network: DesiredNetwork, bridge: Bridge, fields: Fields): Operation[] {
  const flat = network.serves === null || network.serves.kind === 'interface';
  const flatUplinkLeaves = network.mayLeave && network.leaving.some(({ detail }) => detail.kind !== 'vlan');
  const used = !flatUplinkLeaves && ownAddresses(bridge).some(({ family }) => family === 'inet6');
  if (flat || used || bridge.ipv6 === null || bridge.ipv6.disabled) return [];
  const reason = 'the host takes no part in a network of guests';
  return [{ ...fields, op: 'disable-ipv6', target: present(bridge), reason }];
}
