import {
  bridgeName,
  type HostSettings,
  type Link,
  type LinkName,
  type Network,
  type NetworkId,
  networkOfLabel,
  type Segment,
  subinterfaceName,
  type TunnelSettings,
  type Warning,
  type WarningCode,
} from '../../model/index.js';
import { resolveTunnel, type Tunnel, type TunnelNetwork } from '../forwarding/resolve-tunnel.js';
import { devicesIn, isBridge, ownAddresses, subinterfaceKey, type View } from '../see/view.js';
import type { Choice } from './choose-segment.js';

/** How a network reaches the wire on this host. */
export type Uplink =
  | { readonly kind: 'none' }
  /** Flat: the physical interface itself. */
  | { readonly kind: 'interface'; readonly link: Link }
  | {
      readonly kind: 'subinterface';
      readonly parent: Link;
      readonly vlanId: number;
      readonly name: LinkName;
      readonly existing: Link | null;
    }
  /** VXLAN: a tunnel to each of the network's other hosts. */
  | { readonly kind: 'tunnel'; readonly tunnel: Tunnel; readonly warnings: readonly Warning[] }
  /** A tunnel that somebody else has made, in the network's bridge: to be kept, not to be made. */
  | { readonly kind: 'left-tunnel'; readonly link: Link; readonly vni: number }
  /** Flat with an entry in `bridge_mappings`: the taps join this bridge. */
  | { readonly kind: 'joined'; readonly bridge: Link };

/** Either the uplink, or why there is none; `keeps` tells which present uplink is still the segment's own. */
export type Realisation =
  | { readonly ok: true; readonly uplink: Uplink }
  | { readonly ok: false; readonly warning: Warning; readonly keeps: (link: Link) => boolean };

/** The link of an uplink that is there already; null: none is needed or it has to be made. */
export function presentUplink(uplink: Uplink): Link | null {
  switch (uplink.kind) {
    case 'interface':
    case 'left-tunnel':
      return uplink.link;
    case 'subinterface':
      return uplink.existing;
    case 'tunnel':
      return uplink.tunnel.existing;
    case 'none':
    case 'joined':
      return null;
  }
}

const nothing = (): boolean => false;
const everything = (): boolean => true;

function refusal(
  network: NetworkId,
  code: WarningCode,
  message: string,
  keeps: (link: Link) => boolean = nothing,
  device?: LinkName,
): Realisation {
  const warning: Warning = { code, message, network, ...(device === undefined ? {} : { device }) };
  return { ok: false, warning, keeps };
}

/** Resolves a segment against the mappings and the links that are really there. */
export function realise(
  view: View,
  settings: HostSettings,
  { id, mtu }: Pick<Network, 'id' | 'mtu'>,
  segment: Choice | null,
): Realisation {
  if (segment === null) {
    return refusal(id, 'NETWORK_BINDING_MISSING', `network ${id} has no binding row`, everything);
  }
  switch (segment.kind) {
    case 'local':
      return { ok: true, uplink: { kind: 'none' } };
    case 'bad':
      return refusal(id, segment.code, `network ${id} cannot be wired: ${segment.problem}`, everything);
    case 'undecided':
      return refusal(id, 'BINDING_INVALID', `network ${id} cannot be wired: ${segment.problem}`);
    case 'vxlan':
      return realiseVxlan(view, settings.tunnels, { id, vni: segment.vni, mtu });
    case 'unsupported':
      return refusal(id, 'SEGMENT_TYPE_UNSUPPORTED', `network ${id} is of type ${segment.type}`);
    case 'flat':
      return realiseFlat(view, settings, id, segment);
    case 'vlan':
      return realiseVlan(view, settings, id, segment);
  }
}

function realiseVxlan(view: View, settings: TunnelSettings | null, network: TunnelNetwork): Realisation {
  if (settings === null || settings.local === null) return realiseLeft(view, settings !== null, network);
  const real = resolveTunnel(view, settings, network);
  const isOfVni = ({ detail }: Link): boolean => detail.kind === 'vxlan' && detail.vni === network.vni;
  if (!real.ok) return { ...real, keeps: isOfVni };
  const { tunnel, warnings } = real;
  return { ok: true, uplink: { kind: 'tunnel', tunnel, warnings } };
}

/**
 * Neutron's agent has left the bridge of a tunnelled network with its tunnel device: that works for as long as the device is
 * there, up, and the only way out of the bridge.
 */
function realiseLeft(view: View, isEnabled: boolean, { id, vni }: TunnelNetwork): Realisation {
  const bridge = view.labelledBridges.get(id) ?? view.observed.byName.get(bridgeName(id));
  const [link, more] = bridge === undefined ? [] : devicesIn(view, bridge.index);
  if (link?.detail.kind === 'vxlan' && link.detail.vni === vni && link.up && more === undefined)
    return { ok: true, uplink: { kind: 'left-tunnel', link, vni } };
  const found = `no bridge of it holds the vxlan device of VNI ${vni}, up and nothing else`;
  return isEnabled
    ? refusal(
        id,
        'VXLAN_LOCAL_IP_MISSING',
        `network ${id} is reached through a tunnel, local_ip is not set, and ${found}`,
      )
    : refusal(id, 'SEGMENT_TYPE_UNSUPPORTED', `network ${id} is of type vxlan, and ${found}`);
}

type Flat = Extract<Segment, { kind: 'flat' }>;
type Vlan = Extract<Segment, { kind: 'vlan' }>;

function realiseFlat(view: View, settings: HostSettings, id: NetworkId, segment: Flat): Realisation {
  const mapped = settings.bridgeMappings.get(segment.physicalNetwork);
  if (mapped !== undefined) {
    const bridge = view.observed.byName.get(mapped);
    return bridge !== undefined && isBridge(bridge)
      ? { ok: true, uplink: { kind: 'joined', bridge } }
      : refusal(
          id,
          'BRIDGE_MAPPING_MISSING',
          `network ${id} needs bridge ${mapped} of bridge_mappings, which ${bridge === undefined ? 'does not exist' : 'is no bridge'}`,
          nothing,
          mapped,
        );
  }
  const found = physicalInterface(view, settings, id, segment);
  if ('ok' in found) return found;
  if (isBridge(found) || found.name === 'lo') {
    return refusal(
      id,
      'PHYSICAL_INTERFACE_UNUSABLE',
      `network ${id} is flat on ${found.name}, which is ${isBridge(found) ? 'itself a bridge' : 'the loopback'}`,
      nothing,
      found.name,
    );
  }
  if (settings.flatAddressMove === 'refuse' && found.master === null && ownAddresses(found).length > 0) {
    return refusal(
      id,
      'FLAT_ADDRESS_MOVE_REFUSED',
      `network ${id} is flat on ${found.name}, which carries ${ownAddresses(found).length} address(es), and flat_address_move is refuse`,
      nothing,
      found.name,
    );
  }
  return { ok: true, uplink: { kind: 'interface', link: found } };
}

function realiseVlan(view: View, settings: HostSettings, id: NetworkId, segment: Vlan): Realisation {
  const parent = physicalInterface(view, settings, id, segment);
  if ('ok' in parent) return parent;
  const name = subinterfaceName(parent.name, segment.vlanId);
  const existing = view.subinterfaces.get(subinterfaceKey(parent.index, segment.vlanId)) ?? null;
  const occupant = existing ?? view.observed.byName.get(name) ?? null;
  if (occupant !== null && !isAgentsSubinterface(view, occupant, existing, name)) {
    return refusal(
      id,
      'SUBINTERFACE_FOREIGN',
      `network ${id} needs VLAN ${segment.vlanId} on ${parent.name}, which ${describeOccupant(view, occupant)}`,
      nothing,
      occupant.name,
    );
  }
  return { ok: true, uplink: { kind: 'subinterface', parent, vlanId: segment.vlanId, name, existing } };
}

/**
 * In an agent's bridge; or labelled, or free to adopt (unenslaved, of the right name), and then without addresses:
 * an enslaved link's would be dead.
 */
function isAgentsSubinterface(view: View, occupant: Link, existing: Link | null, name: LinkName): boolean {
  if (occupant !== existing) return false;
  if (occupant.master !== null) return view.agentBridges.has(occupant.master);
  if (ownAddresses(occupant).length > 0) return false;
  return networkOfLabel(occupant.alias) !== null || (occupant.name === name && occupant.alias === '');
}

function describeOccupant(view: View, occupant: Link): string {
  if (occupant.detail.kind !== 'vlan')
    return `${occupant.name} blocks by its name (it is no such VLAN device)`;
  const master = occupant.master === null ? undefined : view.observed.links.get(occupant.master);
  if (master !== undefined) {
    return `${occupant.name} holds as a port of ${master.name}, which is not the agent's`;
  }
  return ownAddresses(occupant).length > 0
    ? `${occupant.name} holds with addresses of the host`
    : `${occupant.name} holds, and it is not the agent's`;
}

/** The mapped interface, or why it cannot be used. */
function physicalInterface(
  view: View,
  settings: HostSettings,
  id: NetworkId,
  segment: Flat | Vlan,
): Link | Realisation {
  const name = settings.physicalInterfaces.get(segment.physicalNetwork);
  if (name === undefined) {
    return refusal(
      id,
      'PHYSICAL_NETWORK_UNMAPPED',
      `network ${id} is on physical network ${segment.physicalNetwork}, which no interface of this host is mapped to`,
    );
  }
  const link = view.mapped.get(name);
  if (link === undefined) {
    return refusal(
      id,
      'PHYSICAL_INTERFACE_MISSING',
      `network ${id} needs interface ${name}, which does not exist`,
      nothing,
      name,
    );
  }
  if (link.master !== null && !view.agentBridges.has(link.master)) {
    const master = view.observed.links.get(link.master)?.name ?? `interface ${link.master}`;
    return refusal(
      id,
      'PHYSICAL_INTERFACE_ENSLAVED',
      `network ${id} needs interface ${name}, which is a port of ${master}`,
      (uplink) => isOwnUplink(uplink, link, segment),
      name,
    );
  }
  return link;
}

/** True for the subinterface of this very segment, which stays while its parent is elsewhere enslaved. */
const isOwnUplink = (uplink: Link, parent: Link, segment: Flat | Vlan): boolean =>
  segment.kind === 'vlan' &&
  uplink.detail.kind === 'vlan' &&
  uplink.detail.parent === parent.index &&
  uplink.detail.vlanId === segment.vlanId;
