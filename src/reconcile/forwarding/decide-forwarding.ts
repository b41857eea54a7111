import {
  entryKey,
  FLOOD_MAC,
  type Forwarding,
  type ForwardingAnswer,
  type ForwardingEntry,
  type NetworkId,
  type Warning,
} from '../../model/index.js';
import type { View } from '../see/view.js';
import { type Differences, differencesOf, pairKey } from './differences.js';
import { type FloodList, floodListOf, type OwnEnd } from './flood-list.js';
import { judgePairs, type PairInput, type PairMemory } from './guard-pairs.js';
import type { EntryChanges } from './plan-tunnel.js';
import type { Tunnel } from './resolve-tunnel.js';

/** A network that is served through a tunnel, as far as its entries are concerned. */
export interface ServedTunnel {
  readonly network: NetworkId;
  readonly segment: string;
  readonly tunnel: Tunnel;
}

export interface ForwardingInput extends Omit<PairInput, 'asked' | 'pairs'> {
  readonly view: View;
  readonly host: string;
  readonly local: string;
  readonly served: readonly ServedTunnel[];
  readonly present: Forwarding;
  readonly answer: ForwardingAnswer;
  /** Whether `answer` is this pass's own; from an older one nothing is concluded about what goes. */
  readonly basis: 'answer' | 'memory';
}

export interface ForwardingDecision {
  readonly changes: ReadonlyMap<NetworkId, EntryChanges>;
  /** By key: what waits for somebody's word, and why. */
  readonly held: ReadonlyMap<string, string>;
  /** How many entries wait for further answers, or for a word. */
  readonly pending: number;
  readonly warnings: readonly Warning[];
  readonly memory: PairMemory;
}

interface Compared extends ServedTunnel {
  readonly present: readonly ForwardingEntry[];
  readonly list: FloodList | null;
  readonly differences: Differences;
}

/** What is to become of the entries of every tunnel that a tap is behind. Pure; the same rows and entries ask for nothing. */
export function decideForwarding(input: ForwardingInput): ForwardingDecision {
  const own = ownEnd(input);
  const compared = input.served.map((one) => compare(input, own, one));
  const asked = compared.flatMap(({ differences }) => differences.gone);
  const pairs = new Map(compared.map(({ network, differences }) => [network, differences.pairs]));
  const verdict =
    input.basis === 'answer'
      ? judgePairs({ ...input, asked, pairs })
      : { go: new Set<string>(), held: input.memory.held, memory: input.memory };
  return {
    changes: new Map(compared.map((one) => [one.network, changesOf(one, input.basis, verdict.go)])),
    held: verdict.held,
    pending: asked.filter(({ key }) => !verdict.go.has(key)).length,
    warnings: compared.flatMap(({ list }) => list?.warnings ?? []),
    memory: { ...verdict.memory, hostOf: hostsOf(compared, input.memory) },
  };
}

function ownEnd({ view, host, local }: ForwardingInput): OwnEnd {
  const links = [...view.observed.links.values()];
  const addresses = links.flatMap((link) => link.addresses.map(({ address }) => address));
  return { host, local, addresses: new Set(addresses) };
}

function compare({ present, answer, memory }: ForwardingInput, own: OwnEnd, served: ServedTunnel): Compared {
  const { network, segment, tunnel } = served;
  const { multicast } = tunnel.making;
  const list = multicast === null ? floodListOf(answer, network, segment, own) : null;
  const there = tunnel.existing === null ? [] : (present.get(tunnel.existing.index) ?? []);
  const group = multicast?.group ?? null;
  const differences = differencesOf({ network, present: there, list, group }, own, memory.hostOf);
  return { ...served, present: there, list, differences };
}

/** From memory nothing is taken away: it may be an hour old. */
function changesOf(
  { present, differences }: Compared,
  basis: ForwardingInput['basis'],
  go: ReadonlySet<string>,
): EntryChanges {
  const { add, free, gone } = differences;
  const leaving = gone.filter(({ key }) => go.has(key)).map(({ entry }) => entry);
  const remove = basis === 'answer' ? [...free, ...leaving] : [];
  const removed = new Set(remove.map(entryKey));
  const kept = present.filter((entry) => entry.mac === FLOOD_MAC && !removed.has(entryKey(entry)));
  return { add, remove, whole: [...kept, ...add] };
}

/** Whose each pair is now, or was when it was last known. Pairs that are nowhere any more are forgotten. */
function hostsOf(compared: readonly Compared[], { hostOf }: PairMemory): PairMemory['hostOf'] {
  const now = new Map<string, string>();
  for (const { network, present, list } of compared) {
    for (const { endpoint } of present) {
      const key = pairKey(network, endpoint);
      const host = hostOf.get(key);
      if (host !== undefined) now.set(key, host);
    }
    for (const [endpoint, [host]] of list?.endpoints ?? []) {
      if (host !== undefined) now.set(pairKey(network, endpoint), host);
    }
  }
  return now;
}
