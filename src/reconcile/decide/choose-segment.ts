import type { HostSettings, Network, Port, Segment } from '../../model/index.js';
import { servesTunnels } from '../see/view.js';

/** A segment, or that this host cannot tell which of several it should be. */
export type Choice = Segment | { readonly kind: 'undecided'; readonly problem: string };

/** Rows that cannot be read, or are not there, say nothing: what is in place is not of an older segment because of them. */
export const saysNothing = (segment: Choice | null): boolean => segment === null || segment.kind === 'bad';

/** The segment that a port is to be reached by: the one that its binding names, else that of its network. */
export const chooseSegment = (network: Network, port: Port | null, settings: HostSettings): Choice | null =>
  port?.segment ?? segmentOf(network, settings);

/**
 * The segment of a network that this host is to realise when no port's binding names one: the network's only one; of
 * several, the only one that this host has a mapping for. Where one cannot be read, that may be the one that is meant.
 */
export function segmentOf(network: Network, settings: HostSettings): Choice | null {
  if (network.segments.length <= 1) return network.segments[0] ?? null;
  const here = network.segments.filter((segment) => isMapped(segment, settings));
  const [only] = here.length === 1 ? here : network.segments.filter(saysNothing);
  return (
    only ?? {
      kind: 'undecided',
      problem: `it has ${network.segments.length} segments, of which this host can realise ${here.length}, and the port's binding names none`,
    }
  );
}

function isMapped(segment: Segment, settings: HostSettings): boolean {
  if (segment.kind === 'local') return true;
  if (segment.kind === 'vxlan') return servesTunnels(settings);
  if (segment.kind !== 'flat' && segment.kind !== 'vlan') return false;
  return (
    settings.physicalInterfaces.has(segment.physicalNetwork) ||
    (segment.kind === 'flat' && settings.bridgeMappings.has(segment.physicalNetwork))
  );
}

/** As the rows have it, for people. */
export function segmentInWords(segment: Choice | null): string {
  switch (segment?.kind) {
    case 'vlan':
      return `VLAN ${segment.vlanId} on physical network ${segment.physicalNetwork}`;
    case 'flat':
      return `flat on physical network ${segment.physicalNetwork}`;
    case 'vxlan':
      return `VXLAN ${segment.vni}`;
    case 'local':
      return 'local: no uplink';
    default:
      return 'none that can be realised';
  }
}
