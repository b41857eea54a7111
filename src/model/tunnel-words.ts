import { ENDPOINT_STATES, type EndpointState, type EndpointStatus, type TunnelStatus } from './status.js';
import { count } from './words.js';

/** What is said of an endpoint in each state; `listed` is as it should be. */
export const ENDPOINT_WORDS: Readonly<Record<EndpointState, string>> = {
  unknown: 'not known',
  missing: 'not written yet',
  held: 'held',
  leaving: 'leaving',
  listed: 'in the flood list',
};

/** How many endpoints it has, in whatever state. */
export const endpointsIn = ({ counts }: Pick<TunnelStatus, 'counts'>): number =>
  Object.values(counts).reduce((sum, some) => sum + some, 0);

/** The states of those that are not as they should be, the most urgent first. */
export const statesToTell = ({ counts }: Pick<TunnelStatus, 'counts'>): readonly EndpointState[] =>
  ENDPOINT_STATES.filter((state) => state !== 'listed' && counts[state] > 0);

/** A tunnel in one clause: `VNI 7 from 192.0.2.1 to 3 endpoints (1 held)`. */
export const tunnelInClause = (tunnel: TunnelStatus): string =>
  `VNI ${tunnel.vni} from ${tunnel.local} ${whereTo(tunnel)}`;

function whereTo(tunnel: TunnelStatus): string {
  const { group, isRead, counts } = tunnel;
  if (group !== null) return `to multicast group ${group}`;
  const all = endpointsIn(tunnel);
  if (!isRead)
    return `to ${count(all, 'endpoint')} (the database has not said yet which hosts have the network)`;
  if (all === 0) return 'to nobody: no other host has the network';
  const parts = statesToTell(tunnel).map((state) => `${counts[state]} ${ENDPOINT_WORDS[state]}`);
  return `to ${count(all, 'endpoint')}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
}

/** Whose it is: `node-2`, `node-2 and node-3`, `?`. */
export const hostsInWords = ({ hosts }: EndpointStatus): string => hosts.join(' and ') || '?';
