import type { IfIndex } from '../../model/index.js';
import { NO_PAIR_MEMORY, type PairMemory } from '../forwarding/guard-pairs.js';

/** Of how many falls of the number of wired taps the time is kept; without the rest the free share is only smaller. */
const FALLS_MAX = 32;

/** How often the same removals have been asked for; counted with `guard_release = auto` only. */
export interface Confirmation {
  readonly fingerprint: string;
  readonly polls: number;
  readonly sinceMs: number;
}

/** Why and since when a removal waits. */
export interface Hold {
  readonly reason: string;
  readonly sinceMs: number;
}

/** How many taps are wired, and how many were before each time that it became fewer: falling, the oldest first. */
export interface WiredCount {
  readonly now: number;
  readonly before: readonly { readonly taps: number; readonly untilMs: number }[];
}

/**
 * What the guard knows of the polls before, also of those of an agent before this one. All times are of the monotonic
 * clock, which is the same for every process of one boot and begins again with the next: a time that lies ahead is
 * none of this boot.
 */
export interface GuardMemory {
  /** Taps that are here and whose wire was taken within the window without an operator's word, and when. */
  readonly taken: ReadonlyMap<IfIndex, number>;
  readonly wired: WiredCount;
  /** By key: removals that are held because of their number. */
  readonly held: ReadonlyMap<string, Hold>;
  readonly confirmation: Confirmation | null;
  /** What is known of the entries of tunnels. */
  readonly pairs: PairMemory;
}

export const EMPTY_GUARD: GuardMemory = {
  taken: new Map(),
  wired: { now: 0, before: [] },
  held: new Map(),
  confirmation: null,
  pairs: NO_PAIR_MEMORY,
};

/** Whether something of that time still lies in the window. */
export const isWithin = (windowMs: number, atMs: number, nowMs: number): boolean =>
  atMs <= nowMs && nowMs - atMs < windowMs;

/** Takes note of how many taps are wired now. The same value as long as nothing changes. */
export function noteWired(count: WiredCount, taps: number, windowMs: number, nowMs: number): WiredCount {
  const falls = taps < count.now ? [...count.before, { taps: count.now, untilMs: nowMs }] : count.before;
  const before = falls.filter((fall) => fall.taps > taps && isWithin(windowMs, fall.untilMs, nowMs));
  return taps === count.now && before.length === count.before.length
    ? count
    : { now: taps, before: before.slice(0, FALLS_MAX) };
}

/** The most taps that were wired within the window. */
export const mostWired = ({ now, before }: WiredCount): number => before[0]?.taps ?? now;

/** The memory with these wires as taken now. */
export const withTaken = (memory: GuardMemory, taps: ReadonlySet<IfIndex>, nowMs: number): GuardMemory =>
  taps.size === 0
    ? memory
    : { ...memory, taken: new Map([...memory.taken, ...[...taps].map((tap) => [tap, nowMs] as const)]) };

/** The memory after a pass that was to take wires: those that it did not take count no more than `before`. */
export function withoutUntaken(
  memory: GuardMemory,
  before: GuardMemory,
  isTaken: (tap: IfIndex) => boolean,
): GuardMemory {
  const taken = [...memory.taken].flatMap(([tap, atMs]): [IfIndex, number][] => {
    const earlierMs = before.taken.get(tap);
    if (earlierMs === atMs || isTaken(tap)) return [[tap, atMs]];
    return earlierMs === undefined ? [] : [[tap, earlierMs]];
  });
  return { ...memory, taken: new Map(taken) };
}
