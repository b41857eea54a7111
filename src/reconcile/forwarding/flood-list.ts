import {
  type ForwardingAnswer,
  isIpv6,
  isMulticast,
  type NetworkId,
  type Warning,
} from '../../model/index.js';

/** Whom a network is to be flooded to. */
export interface FloodList {
  /** By endpoint: the hosts behind it, mostly one. */
  readonly endpoints: ReadonlyMap<string, readonly string[]>;
  /** Hosts of which nobody knows where their tunnels end, and why. */
  readonly unknown: ReadonlyMap<string, string>;
  /** These, and hosts that claim an end which another claims as well: what leads to them already stays. */
  readonly staying: ReadonlySet<string>;
  /** Whether this host is among those that a port of the network is bound to. */
  readonly hasThisHost: boolean;
  readonly warnings: readonly Warning[];
}

/** What of this host decides who another one is. */
export interface OwnEnd {
  readonly host: string;
  readonly local: string;
  /** Every address of this host, as `ip` prints them. */
  readonly addresses: Pick<ReadonlySet<string>, 'has'>;
  /** See `sharedEnds`. */
  readonly shared: ReadonlySet<string>;
}

/** Ends that more than one host claims, of whatever networks. */
export function sharedEnds({ endpoints }: Pick<ForwardingAnswer, 'endpoints'>): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const end of endpoints.values()) {
    if (end.kind === 'unknown') continue;
    if (seen.has(end.address)) shared.add(end.address);
    seen.add(end.address);
  }
  return shared;
}

/** The other hosts of a segment; null: it was not read yet, so that nothing may be concluded. */
export function floodListOf(
  { hosts, endpoints }: ForwardingAnswer,
  network: NetworkId,
  segment: string,
  own: OwnEnd,
): FloodList | null {
  const listed = hosts.get(segment);
  if (listed === undefined) return null;
  const byEndpoint = new Map<string, string[]>();
  const problems = new Map<string, string>();
  for (const host of listed) {
    if (host === own.host) continue;
    const end = endpoints.get(host) ?? { kind: 'unknown', problem: 'it was not asked for yet' };
    const problem = end.kind === 'address' ? unusable(end.address, own) : end.problem;
    if (end.kind === 'unknown' || problem !== null) problems.set(host, problem ?? '');
    else byEndpoint.set(end.address, [...(byEndpoint.get(end.address) ?? []), host]);
  }
  const sharing = [...byEndpoint].filter(([, behind]) => behind.length > 1);
  const claiming = [...byEndpoint].filter(([endpoint]) => own.shared.has(endpoint));
  const claimed = listed.filter((host) => {
    const end = endpoints.get(host);
    return host !== own.host && end?.kind === 'address' && own.addresses.has(end.address);
  });
  return {
    endpoints: byEndpoint,
    unknown: problems,
    staying: new Set([...problems.keys(), ...claiming.flatMap(([, behind]) => behind)]),
    hasThisHost: listed.includes(own.host),
    warnings: [
      ...[...problems]
        .filter(([host]) => !claimed.includes(host))
        .map(([host, problem]) => unknownEnd(network, host, problem)),
      ...claimed.map((host) => duplicate(network, `host ${host} and this one`, own.local)),
      ...sharing.map(([endpoint, behind]) => duplicate(network, `hosts ${behind.join(' and ')}`, endpoint)),
    ],
  };
}

const unknownEnd = (network: NetworkId, host: string, problem: string): Warning => ({
  code: 'VTEP_UNKNOWN',
  message: `network ${network} reaches to host ${host}, of which no tunnel's end is known: ${problem}`,
  network,
});

const duplicate = (network: NetworkId, who: string, endpoint: string): Warning => ({
  code: 'VTEP_DUPLICATE',
  message: `${who} have the same tunnel's end ${endpoint} in network ${network}`,
  network,
});

/** Why frames must never be sent to the address, in one clause; null: they may. */
export function unusable(
  address: string,
  { local, addresses }: Pick<OwnEnd, 'local' | 'addresses'>,
): string | null {
  if (address === local || addresses.has(address)) return `${address} is an address of this host`;
  if (isIpv6(address) !== isIpv6(local)) return `${address} is of another family than local_ip ${local}`;
  if (isMulticast(address)) return `${address} is a multicast address`;
  return isNoHost(address) ? `${address} is no address of another host` : null;
}

/** Any, loopback, broadcast, link-local (of which interface, nobody says), IPv4 in IPv6. */
const isNoHost = (address: string): boolean =>
  isIpv6(address)
    ? /^(::$|::1$|fe[89ab])/.test(address) || address.includes('.')
    : /^(0|127|2[45]\d)\./.test(address);
