import {
  entryKey,
  type Forwarding,
  type ForwardingAnswer,
  type ForwardingEntry,
  isFloodEntry,
  isSame,
  type NetworkId,
  type Warning,
} from '../../model/index.js';
import type { View } from '../see/view.js';
import { type Differences, differencesOf, type PairRemoval, pairKey } from './differences.js';
import { type FloodList, floodListOf, type OwnEnd, sharedEnds } from './flood-list.js';
import { judgePairs, type PairInput, type PairMemory, type PairVerdict } from './guard-pairs.js';
import { judgeReplacing, type Replacing } from './replacing.js';
import type { Tunnel } from './resolve-tunnel.js';

/** A network that is served through a tunnel, as far as its entries are concerned. */
export interface ServedTunnel {
  readonly network: NetworkId;
  /** null: nothing was read about it. */
  readonly segment: string | null;
  readonly tunnel: Tunnel;
}

export interface ForwardingInput extends Omit<PairInput, 'asked' | 'pairs' | 'isListed'> {
  readonly view: View;
  readonly host: string;
  readonly local: string;
  readonly served: readonly ServedTunnel[];
  readonly present: Forwarding;
  readonly answer: ForwardingAnswer;
  /** Whether `answer` is this pass's own; from an older one nothing is concluded about what goes. */
  readonly basis: 'answer' | 'memory';
}

/** What one pass does to the entries of a tunnel. */
export interface EntryChanges {
  readonly add: readonly ForwardingEntry[];
  readonly remove: readonly ForwardingEntry[];
  /** All that is there afterwards. */
  readonly whole: readonly ForwardingEntry[];
}

/** What is to become of one network's tunnel. */
export interface TunnelDecision {
  readonly tunnel: Tunnel;
  /** Whom it is to flood to; null: that was not read, or multicast does without. */
  readonly list: FloodList | null;
  /** What is written in it now; empty: it has to be made. */
  readonly present: readonly ForwardingEntry[];
  /** Entries that are there and that the database no longer names. */
  readonly gone: readonly PairRemoval[];
  readonly changes: EntryChanges;
  /** Why the one that is there makes way for a new one; null: it stays. */
  readonly replaced: string | null;
}

export interface ForwardingDecision {
  /** Of the networks that are served through a tunnel and have a tap here. */
  readonly tunnels: ReadonlyMap<NetworkId, TunnelDecision>;
  /** What takes something away and needs further answers, or somebody's word. */
  readonly asked: readonly (PairRemoval | Replacing)[];
  /** By key: what waits for somebody's word, and why. */
  readonly held: ReadonlyMap<string, string>;
  /** Keys of what goes in this pass. */
  readonly going: ReadonlySet<string>;
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
  const own = {
    host: input.host,
    local: input.local,
    addresses: input.view.addresses,
    shared: sharedEnds(input.answer),
  };
  const compared = input.served.map((one) => compare(input, own, one));
  const asked = compared.flatMap(({ differences }) => differences.gone);
  const pairs = new Map(compared.map(({ network, differences }) => [network, differences.pairs]));
  const listed = new Set(compared.flatMap(({ network, list }) => (list?.hasThisHost ? [network] : [])));
  const isListed = (network: NetworkId): boolean => listed.has(network);
  const verdict =
    input.basis === 'answer' ? judgePairs({ ...input, asked, pairs, isListed }) : fromMemory(input);
  const replacing = judgeReplacing(input);
  return {
    tunnels: new Map(
      compared.map((one) => [
        one.network,
        {
          tunnel: one.tunnel,
          list: one.list,
          present: one.present,
          gone: one.differences.gone,
          changes: changesOf(one, input.basis, verdict.go),
          replaced: replacing.reasons.get(one.network) ?? null,
        },
      ]),
    ),
    asked: input.basis === 'answer' ? [...asked, ...replacing.asked] : [],
    held: new Map([...verdict.held, ...replacing.held]),
    going: new Set([...verdict.go, ...replacing.go]),
    pending: input.basis === 'answer' ? asked.filter(({ key }) => !verdict.go.has(key)).length : 0,
    warnings: compared.flatMap(({ list }) => list?.warnings ?? []),
    memory: noted(input, compared, verdict.memory),
  };
}

/** Nothing is asked for, and what is held stays so. */
const fromMemory = ({ memory }: ForwardingInput): PairVerdict => ({
  go: new Set(),
  held: new Map(),
  memory,
});

function compare({ present, answer, memory }: ForwardingInput, own: OwnEnd, served: ServedTunnel): Compared {
  const { network, segment, tunnel } = served;
  const { multicast } = tunnel.making;
  const list = multicast === null && segment !== null ? floodListOf(answer, network, segment, own) : null;
  // What was another network's is none of this one's.
  const isOwn = tunnel.existing !== null && !tunnel.isOfAnother;
  const there = isOwn ? (present.get(tunnel.existing.index) ?? []) : [];
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
  const kept = present.filter((entry) => isFloodEntry(entry) && !removed.has(entryKey(entry)));
  return { add, remove, whole: [...kept, ...add] };
}

/** What is carried on; the same value as before where it says the same. */
function noted(
  { memory, nowMs }: ForwardingInput,
  compared: readonly Compared[],
  now: PairMemory,
): PairMemory {
  const after = { ...now, hostOf: hostsOf(compared, memory, nowMs) };
  const isAsBefore =
    isSame([...after.missing], [...memory.missing]) &&
    isSame([...after.held], [...memory.held]) &&
    isSame([...after.hostOf], [...memory.hostOf]);
  return isAsBefore ? memory : after;
}

/** Whose each pair is now, or was when it was last known. Pairs that are nowhere any more are forgotten. */
function hostsOf(compared: readonly Compared[], { hostOf }: PairMemory, nowMs: number): PairMemory['hostOf'] {
  const now = new Map<string, { readonly host: string; readonly sinceMs: number }>();
  for (const { network, present, list } of compared) {
    for (const { endpoint } of present) {
      const key = pairKey(network, endpoint);
      const known = hostOf.get(key);
      if (known !== undefined) now.set(key, known);
    }
    for (const [endpoint, [host]] of list?.endpoints ?? []) {
      const key = pairKey(network, endpoint);
      const known = hostOf.get(key);
      if (host !== undefined) now.set(key, known?.host === host ? known : { host, sinceMs: nowMs });
    }
  }
  return now;
}
