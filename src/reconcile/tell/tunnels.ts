import {
  ENDPOINT_STATES,
  type EndpointState,
  type EndpointStatus,
  type ForwardingStatus,
  type HeldRemoval,
  isFloodEntry,
  isMulticast,
  isPlain,
  type NetworkId,
  type TunnelStatus,
} from '../../model/index.js';
import type { DecidedTunnels } from '../decide/tunnels.js';
import type { TunnelDecision } from '../forwarding/decide-forwarding.js';
import { pairKey } from '../forwarding/differences.js';

/** What was decided about tunnels, and what of it is held. */
export interface ShownTunnels extends Pick<DecidedTunnels, 'tunnels' | 'memory'> {
  readonly held: readonly HeldRemoval[];
  /** From the clock of the memory to that of people; null: a single pass, which does not know since when anything is. */
  readonly wallMsOf: ((monotonicMs: number) => number) | null;
}

/** How many endpoints of all networks are told together, and of each at least: a status has to fit on its socket. */
const TOLD_MAX = 5_000;
const TOLD_OF_EACH = 20;

/** The tunnel of one network as people see it; null: it has none that a tap here needs. `toldMax`: how many of its endpoints are told. */
export function tunnelStatus(
  id: NetworkId,
  shown: ShownTunnels,
  toldMax = shareOf(shown),
): TunnelStatus | null {
  const decision = shown.tunnels.get(id);
  if (decision === undefined) return null;
  const { tunnel, list } = decision;
  const { vni, local, port, multicast } = tunnel.making;
  const endpoints = endpointsOf(id, decision, shown).sort(byUrgency);
  return {
    device: tunnel.name,
    vni,
    local,
    // One that was made with another port is used as it is.
    port: tunnel.existing?.detail.port ?? port,
    mtu: tunnel.existing?.mtu ?? tunnel.mtu,
    group: multicast?.group ?? null,
    isRead: list !== null || multicast !== null,
    counts: countsOf(endpoints),
    endpoints: endpoints.slice(0, toldMax),
  };
}

/** The same tunnel with these endpoints, all of which are told. */
export const withEndpoints = (tunnel: TunnelStatus, endpoints: readonly EndpointStatus[]): TunnelStatus => ({
  ...tunnel,
  counts: countsOf(endpoints),
  endpoints: [...endpoints].sort(byUrgency),
});

const shareOf = ({ tunnels }: ShownTunnels): number =>
  Math.max(TOLD_OF_EACH, Math.floor(TOLD_MAX / Math.max(1, tunnels.size)));

function countsOf(endpoints: readonly EndpointStatus[]): TunnelStatus['counts'] {
  const counts: Record<EndpointState, number> = { unknown: 0, missing: 0, held: 0, leaving: 0, listed: 0 };
  for (const { state } of endpoints) counts[state] += 1;
  return counts;
}

/** `compute-9` before `compute-10`. */
const { compare } = new Intl.Collator('en', { numeric: true });
const textOf = ({ hosts, endpoint }: EndpointStatus): string => `${hosts.join(' ')} ${endpoint}`;
const byUrgency = (a: EndpointStatus, b: EndpointStatus): number =>
  ENDPOINT_STATES.indexOf(a.state) - ENDPOINT_STATES.indexOf(b.state) || compare(textOf(a), textOf(b));

function endpointsOf(id: NetworkId, decision: TunnelDecision, shown: ShownTunnels): EndpointStatus[] {
  const { list, changes } = decision;
  const there = floodsOf(decision);
  const named = [...(list?.endpoints ?? [])].map(
    ([endpoint, hosts]): EndpointStatus => ({
      endpoint,
      hosts,
      state: there.has(endpoint) ? 'listed' : 'missing',
      sinceMs: wallOf(shown, shown.memory.hostOf.get(pairKey(id, endpoint))?.sinceMs),
      why: hosts.length > 1 ? 'several hosts say that their tunnels end here' : null,
    }),
  );
  const going = new Set(changes.remove.map(({ endpoint }) => endpoint));
  const others = [...there]
    .filter((endpoint) => list?.endpoints.has(endpoint) !== true && !going.has(endpoint))
    .map((endpoint) => unnamed(id, endpoint, decision, shown));
  const shownHosts = new Set(others.flatMap(({ hosts }) => hosts));
  const unknown = [...(list?.unknown ?? [])]
    .filter(([host]) => !shownHosts.has(host))
    .map(
      ([host, problem]): EndpointStatus => ({
        endpoint: null,
        hosts: [host],
        state: 'unknown',
        sinceMs: null,
        why: problem,
      }),
    );
  return [...named, ...others, ...unknown];
}

/** The endpoints that are flooded to now. */
const floodsOf = ({ present }: TunnelDecision): Set<string> =>
  new Set(
    present
      .filter((entry) => isFloodEntry(entry) && isPlain(entry))
      .map(({ endpoint }) => endpoint)
      .filter((endpoint) => !isMulticast(endpoint)),
  );

/** An entry that is there and that the database does not name now. */
function unnamed(
  id: NetworkId,
  endpoint: string,
  { list, gone }: TunnelDecision,
  shown: ShownTunnels,
): EndpointStatus {
  const { memory, held } = shown;
  const key = pairKey(id, endpoint);
  const known = memory.hostOf.get(key);
  const hosts = known === undefined ? [] : [known.host];
  if (gone.some((one) => one.key === key)) {
    const hold = held.find((one) => one.key === key);
    const sinceMs = wallOf(shown, memory.missing.get(key)?.sinceMs);
    return hold === undefined
      ? { endpoint, hosts, state: 'leaving', sinceMs, why: LEAVING }
      : { endpoint, hosts, state: 'held', sinceMs, why: hold.reason };
  }
  const problem = known === undefined ? undefined : list?.unknown.get(known.host);
  const why = list === null ? UNREAD : problem === undefined ? WHOSE : `${problem}; its entry stays`;
  return { endpoint, hosts, state: 'unknown', sinceMs: wallOf(shown, known?.sinceMs), why };
}

const LEAVING = 'no host of the network is there any more; it goes after three answers and a minute';
const UNREAD = 'the database has not said yet which hosts have the network; its entry stays';
const WHOSE = 'nobody knows whose it is, and a host of the network whose end is not known may be there';

const wallOf = ({ wallMsOf }: ShownTunnels, atMs: number | undefined): number | null =>
  wallMsOf === null || atMs === undefined ? null : wallMsOf(atMs);

/** The figures of all tunnels together. O(entries). */
export function forwardingStatus({ tunnels }: Pick<DecidedTunnels, 'tunnels'>): ForwardingStatus {
  const endpoints = new Set<string>();
  const hostsUnknown = new Set<string>();
  let [entries, removalsPending] = [0, 0];
  for (const decision of tunnels.values()) {
    for (const endpoint of decision.list?.endpoints.keys() ?? []) endpoints.add(endpoint);
    for (const host of decision.list?.unknown.keys() ?? []) hostsUnknown.add(host);
    entries += floodsOf(decision).size;
    removalsPending += decision.gone.length;
  }
  return { endpoints: endpoints.size, entries, removalsPending, hostsUnknown: hostsUnknown.size };
}
