import type { NetworkId } from '../../model/index.js';
import type { PairRemoval } from './differences.js';

/** A host that one answer does not name may be in the next: its port is just being moved, or the rows are being restored. */
const ANSWERS = 3;
const MISSING_MS = 60_000;
/** The share of all pairs that may go in one pass without asking. */
const FREE_SHARE = 0.2;

/** What is carried from pass to pass. Plain values. */
export interface PairMemory {
  /** By pair: how many answers in a row have not named it, and since when. */
  readonly missing: ReadonlyMap<string, { readonly answers: number; readonly sinceMs: number }>;
  /** By pair: why it is held, until nobody asks for its removal or an operator accepts it. */
  readonly held: ReadonlyMap<string, string>;
  /** By pair: the host that it was last known to be of, and since when. */
  readonly hostOf: ReadonlyMap<string, HostOfPair>;
}

export interface HostOfPair {
  readonly host: string;
  readonly sinceMs: number;
}

export const NO_PAIR_MEMORY: PairMemory = { missing: new Map(), held: new Map(), hostOf: new Map() };

export interface PairInput {
  /** What the database no longer names. */
  readonly asked: readonly PairRemoval[];
  /** How many pairs each network has now. */
  readonly pairs: ReadonlyMap<NetworkId, number>;
  /** Whether the answer has the rows of the network and of its taps here. */
  readonly isWhole: (network: NetworkId) => boolean;
  /** Whether it names this host among those of the network. */
  readonly isListed: (network: NetworkId) => boolean;
  /** Why the answer is not believed about removals, in one clause; null: it is. */
  readonly doubt: string | null;
  /** Keys an operator has accepted; `all` for `once --accept-removals`. */
  readonly accepted: ReadonlySet<string> | 'all';
  readonly memory: PairMemory;
  readonly nowMs: number;
}

export interface PairVerdict {
  /** Keys of the removals that go ahead. */
  readonly go: ReadonlySet<string>;
  /** By key: why a removal waits for somebody's word. What is in neither waits for further answers. */
  readonly held: ReadonlyMap<string, string>;
  readonly memory: PairMemory;
}

/** Judges one answer, once; a pass without an answer of its own asks for no removal and leaves the memory alone. */
export function judgePairs(input: PairInput): PairVerdict {
  const { asked, accepted, doubt, memory, nowMs } = input;
  const missing = new Map(
    asked.map(({ key }) => {
      const before = memory.missing.get(key);
      const answers = Math.min((before?.answers ?? 0) + 1, ANSWERS);
      return [key, { answers, sinceMs: Math.min(before?.sinceMs ?? nowMs, nowMs) }];
    }),
  );
  const isRipe = ({ key }: PairRemoval): boolean => {
    const { answers, sinceMs } = missing.get(key) ?? { answers: 0, sinceMs: nowMs };
    return answers >= ANSWERS && nowMs - sinceMs >= MISSING_MS;
  };
  const isAccepted = ({ key }: PairRemoval): boolean => accepted === 'all' || accepted.has(key);
  const missed = asked.filter((one) => !isAccepted(one));
  const ripe = missed.filter(isRipe);
  const excess = excessOf(input, missed);
  const held = new Map(
    ripe.flatMap((one): [string, string][] => {
      const reason =
        doubt ?? memory.held.get(one.key) ?? unlisted(input, one) ?? lastOf(input, one, ripe) ?? excess;
      return reason === null ? [] : [[one.key, reason]];
    }),
  );
  const go = asked.filter((one) => isAccepted(one) || (isRipe(one) && !held.has(one.key)));
  const kept = doubt === null ? held : memory.held;
  return { go: new Set(go.map(({ key }) => key)), held, memory: { ...memory, missing, held: kept } };
}

/** Taps of the network are here: a list without this host lacks others that are there as well. */
const unlisted = ({ isListed }: PairInput, { network }: PairRemoval): string | null =>
  isListed(network)
    ? null
    : `network ${network} has taps here, and its bindings do not name this host: they may lack others as well`;

/** A network that would lose every other end: its rows have to be there, or half of a database is. */
function lastOf(
  { pairs, isWhole }: PairInput,
  { network }: PairRemoval,
  ripe: readonly PairRemoval[],
): string | null {
  const lost = ripe.filter((one) => one.network === network).length;
  return lost >= (pairs.get(network) ?? 0) && !isWhole(network)
    ? `network ${network} would lose its last tunnel's end, and its rows or those of its taps are missing`
    : null;
}

/**
 * Why these are too many together; null: they are not. Those that wait for further answers count as well, since not every
 * poll reads all lists: what one dump has lost shows over a minute. What waits for a word already is not counted again.
 */
function excessOf({ pairs, memory }: PairInput, missed: readonly PairRemoval[]): string | null {
  const all = [...pairs.values()].reduce((sum, one) => sum + one, 0);
  const free = Math.max(1, Math.floor(all * FREE_SHARE));
  const fresh = missed.filter(({ key }) => !memory.held.has(key)).length;
  return fresh > free ? `${fresh} of ${all} ends of tunnels would go, and ${free} may` : null;
}
