import type { NetworkMtu } from '../database/network-mtus.js';
import {
  type HostState,
  type Link,
  type LinkName,
  linkCalled,
  type PhysicalNetwork,
  physicalNetwork,
  type TunnelSettings,
} from '../model/index.js';
import { WARNINGS } from '../model/warning.js';
import { count } from '../model/words.js';
import { roomIn } from '../reconcile/forwarding/resolve-tunnel.js';
import { isTunnel } from '../reconcile/see/view.js';
import { type PreflightResult, result } from './preflight-result.js';

/** What tunnels and the size of frames are judged by. */
export interface NetworkInput {
  readonly physicalInterfaces: ReadonlyMap<PhysicalNetwork, LinkName>;
  readonly bridgeMappings: ReadonlyMap<PhysicalNetwork, LinkName>;
  readonly tunnels: TunnelSettings | null;
  readonly links: HostState;
  /** UDP ports of this host at which somebody listens, the kernel's tunnels among them. */
  readonly udpPorts: ReadonlySet<number>;
  /** The largest MTU of the cloud's networks, of each kind; empty: not known. */
  readonly mtus: readonly NetworkMtu[];
}

type Code = 'VXLAN_LOCAL_IP_MISSING' | 'VXLAN_PORT_TAKEN' | 'VXLAN_MTU_TOO_SMALL' | 'MTU_EXCEEDS_UPLINK';

const finding = (code: Code, message: string): PreflightResult => ({
  weight: 'finding',
  code,
  message,
  remedy: WARNINGS[code].remedy,
});

/** Whether the tunnels of this host can be made, and whether the largest frames of the cloud fit on its interfaces. */
export function networkResults(input: NetworkInput): PreflightResult[] {
  const { links, tunnels } = input;
  const local = tunnels?.local ?? null;
  const underlay = local === null ? null : linkWith(links, local);
  const missing =
    local === null || underlay !== null
      ? []
      : [finding('VXLAN_LOCAL_IP_MISSING', `local_ip ${local} is on no interface of this host.`)];
  return [
    ...(underlay === null || local === null
      ? [...missing, ...tunnelsInUse(input)]
      : [...portResults(input), ...tunnelMtuResults(input, underlay, local)]),
    ...wiredMtuResults(input),
  ];
}

const linkWith = ({ links }: HostState, address: string): Link | null =>
  [...links.values()].find(({ addresses }) => addresses.some((one) => one.address === address)) ?? null;

function tunnelsInUse({ links }: NetworkInput): PreflightResult[] {
  const found = [...links.links.values()].filter((link) => {
    const bridge = link.master === null ? undefined : links.links.get(link.master);
    return isTunnel(link) && bridge?.name.startsWith('brq') === true;
  });
  const [first] = found;
  const bridge = first?.master == null ? undefined : links.links.get(first.master);
  if (first === undefined || bridge === undefined) return [];
  const said = `${count(found.length, 'tunnel')} in bridges of networks`;
  return [result('VXLAN_IN_USE', `This host has ${said}, ${first.name} in ${bridge.name} for example.`)];
}

/** Tunnels of one port share what listens there. */
function portResults({ tunnels, links, udpPorts }: NetworkInput): PreflightResult[] {
  if (tunnels === null || !udpPorts.has(tunnels.port)) return [];
  const isOfPort = (link: Link): boolean => isTunnel(link) && link.detail.port === tunnels.port;
  return [...links.links.values()].some(isOfPort)
    ? []
    : [finding('VXLAN_PORT_TAKEN', `Another program listens at UDP port ${tunnels.port} (udp_dstport).`)];
}

function tunnelMtuResults({ mtus }: NetworkInput, underlay: Link, local: string): PreflightResult[] {
  const room = roomIn(underlay, local);
  return mtus.flatMap(({ type, mtu }) =>
    type !== 'vxlan' || mtu <= room
      ? []
      : [
          finding(
            'VXLAN_MTU_TOO_SMALL',
            `Networks of type vxlan have an MTU of up to ${mtu}, and ${underlay.name} with MTU ${underlay.mtu} has room for ${room} in a tunnel.`,
          ),
        ],
  );
}

function wiredMtuResults({ mtus, links, ...mapped }: NetworkInput): PreflightResult[] {
  return mtus.flatMap(({ type, physicalNetwork: name, mtu }) => {
    if (name === null || (type !== 'flat' && type !== 'vlan')) return [];
    const wire = physicalNetwork(name);
    const bridge = type === 'flat' ? mapped.bridgeMappings.get(wire) : undefined;
    const device = bridge ?? mapped.physicalInterfaces.get(wire);
    const link = device === undefined ? undefined : linkCalled(links, device);
    if (link === undefined || mtu <= link.mtu) return [];
    const said = `${type === 'flat' ? 'Flat' : 'VLAN'} networks on ${name} have an MTU of up to ${mtu}`;
    return [finding('MTU_EXCEEDS_UPLINK', `${said}, and ${link.name}, which leads to them, ${link.mtu}.`)];
  });
}
