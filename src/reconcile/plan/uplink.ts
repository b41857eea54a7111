import {
  bridgeMac,
  type Link,
  type LinkRef,
  labelOf,
  networkOfLabel,
  type Operation,
  present,
} from '../../model/index.js';
import type { DesiredNetwork } from '../decide/desired.js';
import type { Uplink } from '../decide/resolve-segment.js';
import { type Bridge, ownAddresses, type View } from '../see/view.js';
import { bridgeRef, fieldsOf, NO_PART, onDevice, type PlanContext } from './context.js';
import { tunnelOperations } from './tunnel.js';

/** The uplink of one network that has a tap here. */
export function uplinkOperations(context: PlanContext, network: DesiredNetwork): Operation[] {
  const bridge = bridgeRef(network);
  if (network.serves === null || bridge === null) return [];
  switch (network.serves.kind) {
    case 'none':
    case 'left-tunnel':
    case 'joined':
      return [];
    case 'tunnel': {
      const decided = context.tunnels.tunnels.get(network.id);
      return decided === undefined
        ? []
        : tunnelOperations({ ...decided, network: network.id, mtu: network.mtu, bridge });
    }
    case 'interface':
      return flatUplink(context, network, network.serves.link, bridge);
    case 'subinterface':
      return vlanUplink(network, network.serves, bridge);
  }
}

function flatUplink(context: PlanContext, network: DesiredNetwork, link: Link, bridge: LinkRef): Operation[] {
  const fields = onDevice(network, present(link));
  const inPlace = bridge.index !== null && link.master === bridge.index;
  const up: Operation[] = link.up ? [] : [{ ...fields, op: 'set-up', reason: 'the uplink is down' }];
  const move = (membership: 'join' | 'none', reason: string): Operation => ({
    ...fieldsOf(network, present(link)),
    op: 'move-addresses',
    from: present(link),
    to: bridge,
    membership,
    addresses: link.addresses,
    routes: [],
    reason,
  });
  if (inPlace) {
    const { flatAddressMove } = context.world.settings;
    return ownAddresses(link).length === 0 || flatAddressMove === 'refuse'
      ? up
      : [
          ...(network.place.kind === 'present' ? ipv6ForAddresses(network, link, network.place.bridge) : []),
          ...up,
          move('none', `${link.name} is a port of ${bridge.name}: its addresses belong there`),
        ];
  }
  const why = `uplink of flat network ${network.id}`;
  const join: Operation =
    link.addresses.length > 0 ? move('join', why) : { ...fields, op: 'attach', bridge, reason: why };
  return [
    ...(network.place.kind === 'present' ? takePlaceOf(context, network, link, network.place.bridge) : []),
    join,
    ...up,
  ];
}

/** A bridge that is there already gets its new flat uplink's IPv6 settings, and its MAC address if the agent gave it. */
function takePlaceOf(
  { world }: PlanContext,
  network: DesiredNetwork,
  link: Link,
  bridge: Bridge,
): Operation[] {
  const fields = onDevice(network, present(bridge));
  const reason = `takes the place of ${link.name}`;
  const operations: Operation[] = [];
  if (link.ipv6 !== null && !sameIpv6(link.ipv6, bridge.ipv6)) {
    operations.push({ ...fields, op: 'set-ipv6', settings: link.ipv6, reason });
  }
  const isGiven =
    bridge.mac === bridgeMac(network.id, world.settings.host) ||
    network.leaving.some(({ mac }) => mac === bridge.mac) ||
    isOfOlderUplink(world.view, bridge, link);
  if (isGiven && bridge.mac !== link.mac) {
    operations.push({ ...fields, op: 'set-mac', mac: link.mac, reason });
  }
  return operations;
}

/** The bridge still has the MAC address of a physical interface that was its uplink before. */
const isOfOlderUplink = (view: View, bridge: Bridge, uplink: Link): boolean =>
  networkOfLabel(bridge.alias) !== null &&
  [...view.mappedInterfaces].some(
    (index) => index !== uplink.index && view.observed.links.get(index)?.mac === bridge.mac,
  );

/** A bridge that refuses IPv6 could not take the addresses that somebody has put on its uplink. */
function ipv6ForAddresses(network: DesiredNetwork, link: Link, bridge: Bridge): Operation[] {
  if (link.ipv6 === null || link.ipv6.disabled || bridge.ipv6?.disabled !== true) return [];
  if (!ownAddresses(link).some(({ family }) => family === 'inet6')) return [];
  const reason = `the IPv6 addresses of ${link.name} belong on it`;
  return [{ ...onDevice(network, present(bridge)), op: 'set-ipv6', settings: link.ipv6, reason }];
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
  const fields = onDevice(network, target);
  const operations: Operation[] = [];
  const inPlace = existing !== null && bridge.index !== null && existing.master === bridge.index;
  if (!parent.up) {
    // A VLAN device cannot be brought up while the interface under it is down (ENETDOWN).
    operations.push({
      ...onDevice(network, present(parent)),
      op: 'set-up',
      reason: `carries VLAN ${vlanId}`,
    });
  }
  if (existing === null) {
    const reason = `network ${network.id} is VLAN ${vlanId} on ${parent.name}`;
    const made = { ...fieldsOf(network, target), op: 'create-subinterface' } as const;
    operations.push({ ...made, parent: present(parent), vlanId, reason });
  }
  if (existing === null || existing.alias !== labelOf(network.id)) {
    const reason = `marks the subinterface as the agent's`;
    operations.push({ ...fields, op: 'set-label', label: labelOf(network.id), reason });
  }
  if (existing === null || (!inPlace && existing.ipv6 !== null && !existing.ipv6.disabled)) {
    operations.push({ ...fields, op: 'disable-ipv6', reason: NO_PART });
  }
  const mtu = network.mtu === null ? null : Math.min(network.mtu, parent.mtu);
  if (mtu !== null && (existing?.mtu ?? parent.mtu) !== mtu) {
    operations.push({
      ...fields,
      op: 'set-mtu',
      mtu,
      reason: `network ${network.id} has MTU ${network.mtu}`,
    });
  }
  if (!inPlace) {
    operations.push({ ...fields, op: 'attach', bridge, reason: `uplink of network ${network.id}` });
  }
  if (existing === null || !existing.up)
    operations.push({ ...fields, op: 'set-up', reason: 'the uplink is down' });
  return operations;
}
