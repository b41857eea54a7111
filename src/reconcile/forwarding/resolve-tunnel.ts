import {
  groupOf,
  isIpv6,
  type Link,
  type LinkName,
  type NetworkId,
  networkOfLabel,
  present,
  type TunnelDetail,
  type TunnelMaking,
  type TunnelSettings,
  tunnelName,
  type Warning,
} from '../../model/index.js';
import {
  isBridgeOf,
  isTunnel,
  isUnnamedByOthers,
  ownAddresses,
  type TunnelLink,
  type View,
} from '../see/view.js';

/** What VXLAN adds to each frame: Ethernet, IP, UDP and its own header. */
const OVERHEAD = { inet: 50, inet6: 70 } as const;

/** A network whose segment is of type vxlan and that has a tap here. */
export interface TunnelNetwork {
  readonly id: NetworkId;
  readonly vni: number;
  readonly mtu: number | null;
}

/** The tunnel of one network on this host. */
export interface Tunnel {
  readonly name: LinkName;
  readonly existing: TunnelLink | null;
  readonly making: TunnelMaking;
  readonly mtu: number;
  /** What of the existing one cannot be changed while it is there, in words; empty: nothing. It is used as it is. */
  readonly differs: readonly string[];
  /** The existing one was another network's, whose entries are in it: this one gets a new one. */
  readonly isOfAnother: boolean;
}

export type TunnelRealisation =
  | { readonly ok: true; readonly tunnel: Tunnel; readonly warnings: readonly Warning[] }
  /** Not wired anew; a tunnel of the VNI that is in place stays as it is. */
  | { readonly ok: false; readonly warning: Warning };

/** Resolves a VXLAN segment against the settings and the links that are really there. */
export function resolveTunnel(
  view: View,
  settings: TunnelSettings,
  network: TunnelNetwork,
): TunnelRealisation {
  const { local } = settings;
  if (local === null) return withoutAddress(network, 'local_ip is not set');
  const underlay = view.addresses.get(local);
  if (underlay === undefined)
    return withoutAddress(network, `local_ip ${local} is on no interface of this host`);
  const own = ownTunnel(view, settings, network);
  const name = tunnelName(network.vni);
  const occupant = own ?? view.observed.byName.get(name) ?? rivalOf(view, settings, network.vni);
  const foreign = occupant === own || occupant === null ? null : foreignness(view, occupant, name, network);
  if (occupant !== null && foreign !== null) {
    const message = `network ${network.id} needs tunnel ${name} of VNI ${network.vni}, but ${occupant.name} ${foreign}`;
    const about = { network: network.id, device: occupant.name };
    return { ok: false, warning: { code: 'VXLAN_DEVICE_FOREIGN', message, ...about } };
  }
  const existing = occupant !== null && isTunnel(occupant) ? occupant : null;
  const { tunnel, room } = tunnelOf(view, settings, network, { local, underlay, existing });
  return {
    ok: true,
    tunnel,
    warnings: [...differing(network, tunnel), ...tooSmall(network, underlay, room)],
  };
}

/** The largest packet of a guest that a tunnel over this link can carry whole. */
export const roomIn = ({ mtu }: Link, local: string): number =>
  mtu - (isIpv6(local) ? OVERHEAD.inet6 : OVERHEAD.inet);

function withoutAddress({ id }: TunnelNetwork, why: string): TunnelRealisation {
  const message = `network ${id} is reached through a tunnel, and ${why}`;
  return { ok: false, warning: { code: 'VXLAN_LOCAL_IP_MISSING', message, network: id } };
}

/**
 * The tunnel that serves the network, whatever somebody has called it: in the network's bridge, or with its label and in no
 * bridge at all; of two ports the one that this host's tunnels have.
 */
function ownTunnel(view: View, { port }: TunnelSettings, { id, vni }: TunnelNetwork): TunnelLink | null {
  const ofVni = view.tunnels.filter((link) => link.detail.vni === vni && isUnnamedByOthers(link));
  const atHome = ofVni.filter((link) => isAtHome(view, link, id));
  const alone = ofVni.filter(
    (link) => link.master === null && networkOfLabel(link.alias) === id && ownAddresses(link).length === 0,
  );
  const own = atHome.length > 0 ? atHome : alone;
  return own.find(({ detail }) => detail.port === port) ?? own[0] ?? null;
}

/** Whether a link is in the bridge of the network. */
function isAtHome({ agentBridges }: View, { master }: Link, id: NetworkId): boolean {
  const bridge = master === null ? undefined : agentBridges.get(master);
  return bridge !== undefined && isBridgeOf(bridge, id);
}

/** The kernel has each VNI once for a UDP port, under whatever name. */
const rivalOf = ({ tunnels }: View, { port }: TunnelSettings, vni: number): TunnelLink | null =>
  tunnels.find(({ detail }) => detail.vni === vni && detail.port === port) ?? null;

/** Why the link is no tunnel that this agent may use, in words that follow its name; null: it may. */
function foreignness(view: View, link: Link, name: LinkName, { vni }: TunnelNetwork): string | null {
  if (!isTunnel(link)) return 'has its name and is no VXLAN device';
  if (link.detail.vni !== vni) return `has its name and is of VNI ${link.detail.vni}`;
  if (link.name !== name) return 'has its VNI';
  if (link.master !== null && !view.agentBridges.has(link.master)) {
    const master = view.observed.links.get(link.master)?.name ?? `interface ${link.master}`;
    return `is a port of ${master}, which is not the agent's`;
  }
  if (ownAddresses(link).length > 0) return 'carries addresses of the host';
  return isUnnamedByOthers(link) ? null : `is labelled "${link.alias}"`;
}

interface Ends {
  readonly local: string;
  readonly underlay: Link;
  readonly existing: TunnelLink | null;
}

function tunnelOf(
  view: View,
  settings: TunnelSettings,
  { id, vni, mtu }: TunnelNetwork,
  { local, underlay, existing }: Ends,
): { readonly tunnel: Tunnel; readonly room: number } {
  const { port, ttl, tos, sourcePorts } = settings;
  const room = roomIn(underlay, local);
  const multicast =
    settings.multicast === null
      ? null
      : { group: groupOf(settings.multicast, vni), underlay: present(underlay) };
  const making = { vni, port, local, ttl, tos, sourcePorts, multicast };
  const differs = existing === null ? [] : differences(existing, making);
  const owner = existing === null ? null : networkOfLabel(existing.alias);
  const name = existing?.name ?? tunnelName(vni);
  const isOfAnother = existing !== null && owner !== null && owner !== id && !isAtHome(view, existing, id);
  return { tunnel: { name, existing, making, mtu: mtu ?? room, differs, isOfAnother }, room };
}

/** A tunnel without any address of its own is of IPv4. */
export const isOfFamilyOf = ({ local, group }: TunnelDetail, address: string): boolean =>
  isIpv6(local ?? group ?? '') === isIpv6(address);

function differences({ detail }: TunnelLink, { port, local, multicast }: TunnelMaking): string[] {
  const isOfFamily = isOfFamilyOf(detail, local);
  return [
    ...(detail.port === port ? [] : [`its UDP port is ${detail.port}, not ${port}`]),
    ...(isOfFamily ? [] : [`its ends are of another family than local_ip ${local}`]),
    ...(detail.proxy ? ['it answers ARP itself (proxy)'] : []),
    ...(multicast === null || detail.group === multicast.group
      ? []
      : [`its group is ${detail.group ?? 'none'}, not ${multicast.group}`]),
  ];
}

const differing = ({ id }: TunnelNetwork, { name, differs }: Tunnel): Warning[] =>
  differs.length === 0
    ? []
    : [
        {
          code: 'VXLAN_DEVICE_DIFFERS',
          message: `tunnel ${name} of network ${id} is used as it is: ${differs.join('; ')}`,
          network: id,
          device: name,
        },
      ];

const tooSmall = ({ id, mtu }: TunnelNetwork, underlay: Link, room: number): Warning[] =>
  mtu === null || mtu <= room
    ? []
    : [
        {
          code: 'VXLAN_MTU_TOO_SMALL',
          message: `network ${id} has MTU ${mtu}, and ${underlay.name} with MTU ${underlay.mtu} has room for ${room} in a tunnel`,
          network: id,
          device: underlay.name,
        },
      ];
