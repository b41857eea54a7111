import {
  bridgeMac,
  type Link,
  type LinkRef,
  labelOf,
  networkOfLabel,
  type Operation,
} from '../model/index.js';
import type { DesiredNetwork } from './desired.js';
import { bridgeRef, type PlanContext, present } from './plan-context.js';
import type { Uplink } from './realise.js';
import { type Bridge, ownAddresses } from './view.js';

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
  return labelled || needed ? repairBridge(network, place.bridge) : [];
}

type Fields = Pick<Operation, 'device' | 'network' | 'scope'>;

const fieldsOf = (network: DesiredNetwork, device: LinkRef): Fields => ({
  device: device.name,
  network: network.id,
  scope: 'network',
});

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

function repairBridge(network: DesiredNetwork, bridge: Bridge): Operation[] {
  const target = present(bridge);
  const fields = fieldsOf(network, target);
  const operations: Operation[] = [];
  if (bridge.alias !== labelOf(network.id)) {
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

/** A flat bridge keeps what it took from its uplink; any other takes no part in IPv6, unless it has addresses. */
function ipv6Repair(network: DesiredNetwork, bridge: Bridge, fields: Fields): Operation[] {
  const flat = network.serves === null || network.serves.kind === 'interface';
  const flatUplinkLeaves = network.mayLeave && network.leaving.some(({ detail }) => detail.kind !== 'vlan');
  const used = !flatUplinkLeaves && ownAddresses(bridge).some(({ family }) => family === 'inet6');
  if (flat || used || bridge.ipv6 === null || bridge.ipv6.disabled) return [];
  const reason = 'the host takes no part in a network of guests';
  return [{ ...fields, op: 'disable-ipv6', target: present(bridge), reason }];
}

/** The uplink of one network that has a tap here. */
export function uplinkOperations(context: PlanContext, network: DesiredNetwork): Operation[] {
  const bridge = bridgeRef(network);
  if (network.serves === null || bridge === null) return [];
  switch (network.serves.kind) {
    case 'none':
    case 'joined':
      return [];
    case 'interface':
      return flatUplink(context, network, network.serves.link, bridge);
    case 'subinterface':
      return vlanUplink(network, network.serves, bridge);
  }
}

function flatUplink(context: PlanContext, network: DesiredNetwork, link: Link, bridge: LinkRef): Operation[] {
  const fields = fieldsOf(network, present(link));
  const inPlace = bridge.index !== null && link.master === bridge.index;
  const up: Operation[] = link.up
    ? []
    : [{ ...fields, op: 'set-up', target: present(link), reason: 'the uplink is down' }];
  const move = (membership: 'join' | 'none', reason: string): Operation => ({
    ...fields,
    op: 'move-addresses',
    from: present(link),
    to: bridge,
    membership,
    addresses: link.addresses,
    routes: link.routes,
    reason,
  });
  if (inPlace) {
    return ownAddresses(link).length === 0
      ? up
      : [...up, move('none', `${link.name} is a port of ${bridge.name}: its addresses belong there`)];
  }
  const why = `uplink of flat network ${network.id}`;
  const join: Operation =
    link.addresses.length > 0 || link.routes.length > 0
      ? move('join', why)
      : { ...fields, op: 'attach', target: present(link), bridge, reason: why };
  return [
    ...(network.place.kind === 'present' ? takePlaceOf(context, network, link, network.place.bridge) : []),
    join,
    ...up,
  ];
}

/** A bridge that is there already gets its new flat uplink's IPv6 settings, and its MAC address if the agent made it. */
function takePlaceOf(
  context: PlanContext,
  network: DesiredNetwork,
  link: Link,
  bridge: Bridge | Link,
): Operation[] {
  const target = present(bridge);
  const fields = fieldsOf(network, target);
  const reason = `takes the place of ${link.name}`;
  const operations: Operation[] = [];
  if (link.ipv6 !== null && !sameIpv6(link.ipv6, bridge.ipv6)) {
    operations.push({ ...fields, op: 'set-ipv6', target, settings: link.ipv6, reason });
  }
  if (bridge.mac === bridgeMac(network.id, context.world.settings.host)) {
    operations.push({ ...fields, op: 'set-mac', target, mac: link.mac, reason });
  }
  return operations;
}

const sameIpv6 = (a: NonNullable<Link['ipv6']>, b: Link['ipv6']): boolean =>
  b !== null &&
  a.disabled === b.disabled &&
  a.acceptRa === b.acceptRa &&
  a.autoconf === b.autoconf &&
  a.forwarding === b.forwarding;

type Subinterface = Extract<Uplink, { kind: 'subinterface' }>;

function vlanUplink(network: DesiredNetwork, uplink: Subinterface, bridge: LinkRef): Operation[] {
  const { parent, existing, name, vlanId } = uplink;
  const target: LinkRef = existing === null ? { name, index: null } : present(existing);
  const fields = fieldsOf(network, target);
  const operations: Operation[] = [];
  const inPlace = existing !== null && bridge.index !== null && existing.master === bridge.index;
  if (!parent.up) {
    // A VLAN device cannot be brought up while the interface under it is down (ENETDOWN).
    operations.push({
      ...fields,
      device: parent.name,
      op: 'set-up',
      target: present(parent),
      reason: `carries VLAN ${vlanId}`,
    });
  }
  if (existing === null) {
    const reason = `network ${network.id} is VLAN ${vlanId} on ${parent.name}`;
    operations.push({ ...fields, op: 'create-subinterface', parent: present(parent), vlanId, reason });
  }
  if (existing === null || existing.alias !== labelOf(network.id)) {
    operations.push({
      ...fields,
      op: 'set-label',
      target,
      label: labelOf(network.id),
      reason: `marks the subinterface as the agent's`,
    });
  }
  if (existing === null || (!inPlace && existing.ipv6 !== null && !existing.ipv6.disabled)) {
    operations.push({
      ...fields,
      op: 'disable-ipv6',
      target,
      reason: 'the host takes no part in a network of guests',
    });
  }
  const mtu = network.mtu === null ? null : Math.min(network.mtu, parent.mtu);
  if (mtu !== null && (existing?.mtu ?? parent.mtu) !== mtu) {
    operations.push({
      ...fields,
      op: 'set-mtu',
      target,
      mtu,
      reason: `network ${network.id} has MTU ${network.mtu}`,
    });
  }
  if (!inPlace) {
    operations.push({ ...fields, op: 'attach', target, bridge, reason: `uplink of network ${network.id}` });
  }
  if (existing === null || !existing.up) {
    operations.push({ ...fields, op: 'set-up', target, reason: 'the uplink is down' });
  }
  return operations;
}
