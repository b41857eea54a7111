import type { GuardSettings } from '../model/index.js';
import { type Removal, restsOnMissingRows } from './desired.js';

/** Polls and minutes that `guard_release = auto` waits for the same answer. */
export const CONFIRMING_POLLS = 5;
export const CONFIRMING_MS = 10 * 60_000;
/** The share of the wired taps that may be removed in one pass without asking. */
const FREE_SHARE = 0.2;

/** How often the same removals have been asked for; `once` keeps it on disk between its runs. */
export interface Confirmation {
  readonly fingerprint: string;
  readonly polls: number;
  readonly sinceMs: number;
}

/** What the guard looks at besides the removals themselves. */
export interface GuardInput {
  readonly removals: readonly Removal[];
  /** Taps in the bridges that this agent plugs into. */
  readonly wiredTaps: number;
  /** Wholly empty tables of the answer. */
  readonly emptyTables: readonly string[];
  /** Why the server's silence about rows is not to be trusted; null: it is. */
  readonly suspect: string | null;
  /** Keys an operator has accepted; `all` for `once --accept-removals`. */
  readonly accepted: ReadonlySet<string> | 'all';
  readonly confirmation: Confirmation | null;
  readonly nowMs: number;
}

export interface GuardVerdict {
  readonly removals: 'allowed' | 'held';
  /** Why they are held, in one clause; null when allowed. */
  readonly reason: string | null;
  readonly confirmation: Confirmation | null;
}

/**
 * Whether this pass may take wires away. All removals are held together or none is: a pass that asks for too
 * much is not trusted in part. Constructive operations are not its business.
 */
export function judge(settings: GuardSettings, input: GuardInput): GuardVerdict {
  const reason = suspicion(settings, input);
  if (reason === null || isAccepted(input)) return { removals: 'allowed', reason: null, confirmation: null };
  const confirmation = confirm(input);
  return settings.release === 'auto' &&
    input.emptyTables.length === 0 &&
    isConfirmed(confirmation, input.nowMs)
    ? { removals: 'allowed', reason: null, confirmation: null }
    : { removals: 'held', reason, confirmation };
}

function suspicion(settings: GuardSettings, input: GuardInput): string | null {
  const { removals, wiredTaps, emptyTables, suspect } = input;
  if (removals.length === 0) return null;
  const byMissingRows = removals.filter(restsOnMissingRows);
  if (byMissingRows.length > 0 && emptyTables.length > 0) {
    return `table ${emptyTables.join(' and table ')} ${emptyTables.length === 1 ? 'is' : 'are'} wholly empty`;
  }
  if (byMissingRows.length > 0 && suspect !== null) return suspect;
  const lost = sum(removals);
  const free = settings.maxRemovals ?? Math.max(1, Math.floor(wiredTaps * FREE_SHARE));
  if (lost > free)
    return `${lost} of ${wiredTaps} wired taps would lose their wire, and max_removals is ${free}`;
  if (sum(byMissingRows) > 0 && lost >= wiredTaps)
    return 'the last wired tap of this host would go because its row is missing';
  return null;
}

const sum = (removals: readonly Removal[]): number => removals.reduce((total, { taps }) => total + taps, 0);

const isAccepted = ({ accepted, removals }: GuardInput): boolean =>
  accepted === 'all' || removals.every(({ key }) => accepted.has(key));

function confirm({ removals, confirmation, nowMs }: GuardInput): Confirmation {
  const fingerprint = removals
    .map(({ key }) => key)
    .toSorted()
    .join('\n');
  // The monotonic clock starts again with the machine: a beginning that lies ahead was noted before a reboot.
  return confirmation !== null && confirmation.fingerprint === fingerprint && confirmation.sinceMs <= nowMs
    ? { ...confirmation, polls: confirmation.polls + 1 }
    : { fingerprint, polls: 1, sinceMs: nowMs };
}

const isConfirmed = ({ polls, sinceMs }: Confirmation, nowMs: number): boolean =>
  polls >= CONFIRMING_POLLS && nowMs - sinceMs >= CONFIRMING_MS;
