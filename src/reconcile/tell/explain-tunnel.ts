import type { EndpointStatus, NetworkId, PassReport, TunnelStatus } from '../../model/index.js';
import { tunnelInClause } from '../../model/tunnel-words.js';
import type { Realisation } from '../decide/resolve-segment.js';
import type { DecidedTunnels } from '../decide/tunnels.js';
import { broken, type ChainLink, NEXT_PASS, ok } from './chain.js';
import { tunnelStatus, withEndpoints } from './tunnels.js';

/** The tunnel of a network as a link of its chain; none where it has no tunnel. `status`: null where no tap here needs it. */
export function tunnelLinks(realisation: Realisation, status: TunnelStatus | null): ChainLink[] {
  if (!realisation.ok) return [];
  const { uplink } = realisation;
  if (uplink.kind === 'left-tunnel') {
    const text = `${uplink.link.name} is there and up as another agent has left it, with VNI ${uplink.vni}: this one keeps it, and does not know where it leads to`;
    return [ok('tunnel', text)];
  }
  if (uplink.kind !== 'tunnel') return [];
  const { name, existing, making } = uplink.tunnel;
  if (existing === null) return [broken('tunnel', `${name} is not there`, NEXT_PASS)];
  const where =
    status === null
      ? `VNI ${making.vni} from ${making.local}; no tap of this network is here`
      : tunnelInClause(status);
  const text = `${name} is there and ${existing.up ? 'up' : 'down'}: ${where}`;
  const isWhole = existing.up && (status === null || status.counts.missing === 0);
  return [isWhole ? ok('tunnel', text) : broken('tunnel', text, NEXT_PASS)];
}

/** What a single pass has found out about tunnels. */
interface Passed {
  readonly tunnels: DecidedTunnels;
  readonly report: Pick<PassReport, 'held'>;
}

/**
 * The tunnel of a network with all of its endpoints, as a single pass finds it; null: it has none that a tap here needs.
 * `remembered`: as the running agent has it, which knows since when an endpoint is there, and whose one is that no row names any more.
 */
export function explainedTunnel(
  id: NetworkId,
  { tunnels, report: { held } }: Passed,
  remembered: TunnelStatus | null,
): TunnelStatus | null {
  const found = tunnelStatus(id, { ...tunnels, held, wallMsOf: null }, Number.POSITIVE_INFINITY);
  if (found === null || remembered === null) return found;
  const known = new Map(remembered.endpoints.map((one) => [one.endpoint, one]));
  const endpoints = found.endpoints.map((one): EndpointStatus => {
    const before = one.endpoint === null ? undefined : known.get(one.endpoint);
    if (before === undefined) return one;
    return one.hosts.length === 0 ? before : { ...one, sinceMs: before.sinceMs };
  });
  return withEndpoints(found, endpoints);
}
