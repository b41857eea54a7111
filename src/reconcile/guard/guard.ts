import { fingerprintOf, type GuardSettings, type IfIndex } from '../../model/index.js';
import { type Removal, restsOnMissingRows } from '../decide/desired.js';
import { type GuardMemory, type Hold, isWithin, mostWired, noteWired, withTaken } from './guard-memory.js';
import { concerns, type Suspicion } from './trust.js';

/** Polls and minutes that `guard_release = auto` waits for the same answer. */
export const CONFIRMING_POLLS = 5;
export const CONFIRMING_MS = 10 * 60_000;
/** The share of the wired taps that may be removed within the window without asking. */
const FREE_SHARE = 0.2;

/** What the guard looks at besides the removals themselves. */
export interface GuardInput {
  readonly removals: readonly Removal[];
  /** Taps in the bridges that this agent plugs into. */
  readonly wiredTaps: number;
  /** Whether a link of that index is here. */
  readonly isHere: (index: IfIndex) => boolean;
  /** Wholly empty tables of the answer. */
  readonly emptyTables: readonly string[];
  /** Which removals the server that asks for them is not trusted about; null: it is trusted. */
  readonly suspect: Suspicion | null;
  /** Keys an operator has accepted; `all` for `once --accept-removals`. */
  readonly accepted: ReadonlySet<string> | 'all';
  readonly memory: GuardMemory;
  readonly nowMs: number;
}

export interface GuardVerdict {
  /** By key: why a removal is held, in one clause. Every other one may go ahead. */
  readonly held: ReadonlyMap<string, string>;
  /** As if everything that may go ahead had been carried out, see `withoutUntaken`. */
  readonly memory: GuardMemory;
}

/**
 * Which of the removals have to wait. Those that are new are held together or not at all: a pass that asks for too much
 * is not trusted in part. One that was held because of their number waits on, however few are left. Asked again within
 * one pass, with the memory that it gave, it counts nothing twice.
 */
export function judge(settings: GuardSettings, input: GuardInput): GuardVerdict {
  const asked = input.removals.filter((removal) => !isAccepted(input, removal));
  const memory = upToDate(settings, input, asked);
  const doubt = doubtOf(input, asked);
  // What an answer asks for that is not believed says nothing about how much is asked for.
  const tooMuch = doubt !== null && input.suspect !== null ? null : excessOf(settings, input, memory, asked);
  const held = tooMuch === null ? memory.held : withHolds(memory.held, asked, tooMuch, input.nowMs);
  const reasons = new Map(
    asked.flatMap(({ key }): [string, string][] => {
      const reason = doubt ?? held.get(key)?.reason ?? null;
      return reason === null ? [] : [[key, reason]];
    }),
  );
  const free = asked.filter(({ key }) => !reasons.has(key));
  return { held: reasons, memory: withTaken({ ...memory, held }, tapsOf(free), input.nowMs) };
}

/**
 * The verdict after this poll has been counted: with `guard_release = auto` everything that is held goes ahead when it has
 * been asked for long enough, never while a table is wholly empty. Called once in a pass.
 */
export function release(settings: GuardSettings, input: GuardInput, verdict: GuardVerdict): GuardVerdict {
  const { memory } = verdict;
  // The count begins anew when a removal is asked for with another cause.
  const asked = input.removals.filter(({ key }) => verdict.held.has(key));
  const fingerprint = fingerprintOf(asked.map(({ key, cause }) => ({ key: `${key} ${cause}` })));
  if (settings.release === 'operator' || fingerprint === null)
    return { ...verdict, memory: { ...memory, confirmation: null } };
  const { emptyTables, nowMs } = input;
  const before = memory.confirmation;
  const isSame = before !== null && before.fingerprint === fingerprint && before.sinceMs <= nowMs;
  const sinceMs = isSame ? before.sinceMs : nowMs;
  const polls = Math.min((isSame ? before.polls : 0) + 1, CONFIRMING_POLLS);
  return polls >= CONFIRMING_POLLS && nowMs - sinceMs >= CONFIRMING_MS && emptyTables.length === 0
    ? { held: new Map(), memory: { ...memory, held: new Map(), confirmation: null } }
    : { ...verdict, memory: { ...memory, confirmation: { fingerprint, polls, sinceMs } } };
}

const isAccepted = ({ accepted }: GuardInput, { key }: Removal): boolean =>
  accepted === 'all' || accepted.has(key);

/**
 * Forgets what has left the window, a tap that went away (its guest has lost nothing), and a hold that the database no
 * longer asks for. A wire that came back still counts: its guest was cut, and a database that takes back what it said is
 * not to be trusted with the next wire for that.
 */
function upToDate(settings: GuardSettings, input: GuardInput, asked: readonly Removal[]): GuardMemory {
  const { memory, wiredTaps, isHere, nowMs } = input;
  const keys = new Set(asked.map(({ key }) => key));
  const isInWindow = (atMs: number): boolean => isWithin(settings.windowMs, atMs, nowMs);
  return {
    ...memory,
    taken: new Map([...memory.taken].filter(([tap, atMs]) => isHere(tap) && isInWindow(atMs))),
    wired: noteWired(memory.wired, wiredTaps, settings.windowMs, nowMs),
    held: new Map([...memory.held].filter(([key]) => keys.has(key))),
  };
}

/** Why the answer is not believed about what it asks for; null: it is. */
function doubtOf({ emptyTables, suspect }: GuardInput, asked: readonly Removal[]): string | null {
  if (emptyTables.length === 0 || !asked.some(restsOnMissingRows))
    return asked.some((removal) => concerns(suspect, removal)) ? (suspect?.reason ?? null) : null;
  return `table ${emptyTables.join(' and table ')} ${emptyTables.length === 1 ? 'is' : 'are'} wholly empty`;
}

/**
 * Why the new ones among the removals are too many; null: they are not. What was taken within the window counts, and
 * what has been held for no longer than that: a hold that nobody settles must not hold up everything else for ever.
 */
function excessOf(
  settings: GuardSettings,
  { wiredTaps, nowMs }: GuardInput,
  { held, taken, wired }: GuardMemory,
  asked: readonly Removal[],
): string | null {
  const isNew = ({ key }: Removal): boolean => !held.has(key);
  const fresh = tapsOf(asked.filter(isNew));
  if (fresh.size === 0) return null;
  const waiting = asked.filter(({ key }) =>
    isWithin(settings.windowMs, held.get(key)?.sinceMs ?? Number.POSITIVE_INFINITY, nowMs),
  );
  const lost = new Set([...taken.keys(), ...tapsOf(waiting), ...fresh]).size;
  const most = mostWired(wired);
  const free = settings.maxRemovals ?? Math.max(1, Math.floor(most * FREE_SHARE));
  if (lost > free) {
    const limit = `and max_removals is ${free}`;
    return lost === fresh.size
      ? `${lost} of ${most} wired taps would lose their wire, ${limit}`
      : `${lost} of ${most} wired taps would have lost their wire within guard_window, ${limit}`;
  }
  const isByMissingRows = asked.some((one) => isNew(one) && one.taps.length > 0 && restsOnMissingRows(one));
  return isByMissingRows && fresh.size >= wiredTaps
    ? 'the last wired tap of this host would go because its row is missing'
    : null;
}

/** What cuts no tap is never too much. */
const withHolds = (
  held: ReadonlyMap<string, Hold>,
  asked: readonly Removal[],
  reason: string,
  sinceMs: number,
): ReadonlyMap<string, Hold> =>
  new Map([
    ...asked.flatMap(({ key, taps }) => (taps.length > 0 ? [[key, { reason, sinceMs }] as const] : [])),
    ...held,
  ]);

const tapsOf = (removals: readonly Removal[]): Set<IfIndex> => new Set(removals.flatMap(({ taps }) => taps));
