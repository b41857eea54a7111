import type { TunnelStatus } from '../../model/index.js';
import { tunnelInClause } from '../../model/tunnel-words.js';
import type { Realisation } from '../decide/resolve-segment.js';
import { broken, type ChainLink, NEXT_PASS, ok } from './chain.js';

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
