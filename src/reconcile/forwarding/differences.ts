import {
  type ForwardingEntry,
  floodEntry,
  isFloodEntry,
  isMulticast,
  isPlain,
  type NetworkId,
} from '../../model/index.js';
import { type FloodList, type OwnEnd, unusable } from './flood-list.js';
import type { PairMemory } from './guard-pairs.js';

/** An entry that another host is lost by when it goes. */
export interface PairRemoval {
  /** The network and the endpoint: stable from poll to poll. */
  readonly key: string;
  readonly network: NetworkId;
  readonly entry: ForwardingEntry;
}

/** What the entries of one tunnel lack and have too many of. */
export interface Differences {
  readonly add: readonly ForwardingEntry[];
  /** Nobody is lost by these: addresses that are learned again, ends to which nothing may be sent. */
  readonly free: readonly ForwardingEntry[];
  /** Entries of hosts that the database no longer names here. */
  readonly gone: readonly PairRemoval[];
  /** How many other ends there are now. */
  readonly pairs: number;
}

/** The network, and what its tunnel floods to. */
export interface TunnelEntries {
  readonly network: NetworkId;
  readonly present: readonly ForwardingEntry[];
  /** null: it was not read, or multicast does without. */
  readonly list: FloodList | null;
  /** The group that everything is flooded to; null: the flood list. */
  readonly group: string | null;
}

export const pairKey = (network: NetworkId, endpoint: string): string => `forwarding ${network} ${endpoint}`;

/**
 * Compares what is there with what ought to be. `hostOf`: whose each pair was when it was last known. An entry of a host
 * whose end is unknown now stays, and so does one of nobody knows whom while such a host is among the network's.
 */
export function differencesOf(
  { network, present, list, group }: TunnelEntries,
  own: Pick<OwnEnd, 'local' | 'addresses'>,
  hostOf: PairMemory['hostOf'],
): Differences {
  const isForbidden = ({ endpoint }: ForwardingEntry): boolean =>
    endpoint !== group && !isMulticast(endpoint) && unusable(endpoint, own) !== null;
  const floods = present.filter((entry) => isFloodEntry(entry) && !isForbidden(entry));
  const pairs = floods.filter(({ endpoint }) => !isMulticast(endpoint));
  const free = present.filter((entry) => !isFloodEntry(entry) || isForbidden(entry));
  if (list === null) return { add: [], free, gone: [], pairs: pairs.length };
  const isThere = (endpoint: string): boolean =>
    floods.some((entry) => entry.endpoint === endpoint && isPlain(entry));
  const mayBeUnknowns = ({ endpoint }: ForwardingEntry): boolean => {
    const host = hostOf.get(pairKey(network, endpoint))?.host;
    return host === undefined ? list.staying.size > 0 : list.staying.has(host);
  };
  const groups = list.staying.size > 0 ? [] : floods.filter(({ endpoint }) => isMulticast(endpoint));
  const leaving = pairs.filter((entry) => !(list.endpoints.has(entry.endpoint) && isPlain(entry)));
  return {
    add: [...list.endpoints.keys()].filter((endpoint) => !isThere(endpoint)).map(floodEntry),
    free: [...free, ...groups],
    gone: leaving
      .filter((entry) => !mayBeUnknowns(entry))
      .map((entry) => ({ key: pairKey(network, entry.endpoint), network, entry })),
    pairs: pairs.length,
  };
}
