import type { Answer, GuardSettings, HeldRemoval, IfIndex, Warning, WentBack } from '../../model/index.js';
import { desire } from '../decide/desire.js';
import {
  type Desired,
  NO_REMOVALS,
  type Removal,
  restsOnMissingRows,
  type World,
} from '../decide/desired.js';
import { countWired } from '../decide/gone.js';
import { type DecidedTunnels, decideTunnels } from '../decide/tunnels.js';
import { isPlugged, type View } from '../see/view.js';
import { type GuardInput, type GuardVerdict, judge, release } from './guard.js';
import { type GuardMemory, withoutUntaken } from './guard-memory.js';
import {
  type Heard,
  hear,
  isCatchingUp,
  type ServerTrust,
  type Suspicion,
  settleTrust,
  suspicionOf,
  wentBackWarning,
} from './trust.js';
import { doubtAboutHosts, tunnelRemovals } from './tunnel-removals.js';

/** What of the memory is the guard's. */
export interface GuardPart {
  readonly guard: GuardMemory;
  /** Keys of the removals that an operator has let go ahead. */
  readonly accepted: ReadonlySet<string>;
  /** null: none has answered yet. */
  readonly server: ServerTrust | null;
}

/** What the guard is told besides the world. */
export interface GuardOrder {
  /** null: there is none, and nothing is removed. */
  readonly fresh: { readonly answer: Answer; readonly wentBack: WentBack | null } | null;
  readonly settings: GuardSettings;
  /** `all`: an operator has said that every removal may go ahead. */
  readonly accepted: 'all' | 'remembered';
  readonly ahead: Ahead | null;
}

/** What is written down before a deed. */
export interface Ahead {
  /**
   * Is told before the first operation that something will have to be written down. May throw: the pass is given up then,
   * and nothing has been changed.
   */
  begin(): void;
  /** Is given what the guard has to remember, before anything is removed. */
  keepGuard(guard: GuardMemory): void;
  /** Why the next pass would not know what this one removes; null: it would. Asked when something is to be removed. */
  forgets(): Suspicion | null;
}

/** What is decided around what is held. */
export interface GuardedDecision {
  readonly desired: Desired;
  readonly tunnels: DecidedTunnels;
}

/** The guard's word for one pass. */
export interface Guarded {
  readonly held: readonly HeldRemoval[];
  readonly warnings: readonly Warning[];
  /**
   * Decides about the host as it is now, around the removals that are held. What was decided to judge a world is not
   * decided again.
   */
  decide(world: World): GuardedDecision;
  /**
   * What is to be remembered before what was decided last is carried out (if `isWork`: there is something to do) and told, as
   * the process may end in the middle of it; null: it neither removes anything nor holds what was not held before.
   */
  ahead(isWork: boolean): GuardMemory | null;
  /** What it remembers after the pass, which has left the host like this. */
  conclude(after: View): GuardPart;
}

/** Decides first as if every removal might go ahead; when the guard holds some, decides again around those. */
export const guard = (world: World, order: GuardOrder, memory: GuardPart): Guarded =>
  order.fresh === null ? withoutAnswer(memory) : withAnswer(world, order, order.fresh, memory);

/** Nothing is removed. */
function withoutAnswer(memory: GuardPart): Guarded {
  let { pairs } = memory.guard;
  return {
    held: [],
    warnings: [],
    decide: (now) => {
      const desired = desire(now, NO_REMOVALS);
      const tunnels = decideTunnels(desired, { ...NOBODY, memory: memory.guard.pairs });
      pairs = tunnels.memory;
      return { desired, tunnels };
    },
    ahead: () => null,
    conclude: () => ({ ...partOf(memory), guard: withPairs(memory.guard, pairs) }),
  };
}

/** Who has accepted nothing and doubts nothing. */
const NOBODY = { accepted: new Set<string>(), doubt: null };

const partOf = ({ guard, accepted, server }: GuardPart): GuardPart => ({ guard, accepted, server });

const withPairs = (memory: GuardMemory, pairs: GuardMemory['pairs']): GuardMemory =>
  memory.pairs === pairs ? memory : { ...memory, pairs };

function withAnswer(
  world: World,
  order: GuardOrder,
  { answer, wentBack }: NonNullable<GuardOrder['fresh']>,
  memory: GuardPart,
): Guarded {
  const { settings } = order;
  const { emptyTables } = answer;
  const desired = desire(world, 'all');
  const server = hear(memory.server, answer, wentBack);
  const suspect = suspicionOf(answer, server) ?? forgetful(desired, order);
  const accepted: GuardInput['accepted'] = order.accepted === 'all' ? 'all' : memory.accepted;
  const tunnelOrder = { accepted, doubt: doubtAboutHosts(suspect, emptyTables), memory: memory.guard.pairs };
  const asked = decideTunnels(desired, tunnelOrder);
  const ofTunnels = tunnelRemovals(asked).filter(({ key }) => asked.held.has(key));
  const removals = [...desired.removals, ...ofTunnels];
  const input: GuardInput = {
    ...lookedAt(world, desired),
    emptyTables,
    suspect,
    accepted,
    memory: memory.guard,
    nowMs: world.nowMs,
  };
  const judged = judge(settings, input);
  const held = new Map([...judged.held, ...asked.held]);
  const verdict = release(settings, { ...input, removals }, { ...judged, held });
  const isFree = ({ key }: Removal): boolean => !verdict.held.has(key);
  const heard: Heard = {
    isSilent: isSilent(world, desired),
    isCatchingUp: isCatchingUp(answer),
    ...contradictions(desired, asked, isFree),
  };
  const released = ofTunnels.filter(isFree).map(({ key }) => key);
  const going = new Map(desired.removals.filter(isFree).map((one) => [one.key, one]));
  let current = verdict;
  let tunnels = asked;
  const memoryNow = (): GuardMemory => withPairs(current.memory, tunnels.memory);
  return {
    held: heldOf(removals, verdict.held),
    warnings: wentBackWarning(server),
    decide: (now) => {
      const all = now === world ? desired : desire(now, 'all');
      if (now !== world) {
        current = judgeAgain(settings, { ...input, ...lookedAt(now, all) }, current, going);
        for (const one of all.removals) if (!current.held.has(one.key)) going.set(one.key, one);
      }
      const isHeld = all.removals.some(({ key }) => current.held.has(key));
      const around = isHeld ? desire(now, new Set(going.keys())) : all;
      const isAsAsked = around === desired && released.length === 0;
      tunnels = isAsAsked
        ? asked
        : decideTunnels(around, { ...tunnelOrder, accepted: also(accepted, released) });
      return { desired: around, tunnels };
    },
    ahead: (isWork) => {
      const isRemoving = isWork && going.size + tunnels.going.size > 0;
      return isRemoving || holdsAnew(memory.guard, memoryNow()) ? memoryNow() : null;
    },
    conclude: (after) => {
      const cut = wiresCut([...going.values()], world.view, after);
      return {
        guard: withoutUntaken(memoryNow(), memory.guard, (tap) => cut.has(tap)),
        accepted: new Set<string>(),
        server: settleTrust(server, heard),
      };
    },
  };
}

/** Also an end that waits for further answers contradicts what was known last. */
const contradictions = (
  { removals }: Desired,
  tunnels: DecidedTunnels,
  isFree: Heard['isFree'],
): Pick<Heard, 'removals' | 'isFree'> => ({
  removals: [...removals, ...tunnelRemovals(tunnels).filter(({ cause }) => cause === 'host-gone')],
  isFree: (one) => isFree(one) && (one.cause !== 'host-gone' || tunnels.going.has(one.key)),
});

const also = (accepted: GuardInput['accepted'], released: readonly string[]): GuardInput['accepted'] =>
  accepted === 'all' ? 'all' : new Set([...accepted, ...released]);

const forgetful = ({ removals }: Desired, { ahead }: GuardOrder): Suspicion | null =>
  ahead === null || removals.length === 0 ? null : ahead.forgets();

const lookedAt = (
  { view }: World,
  { removals, groups }: Desired,
): Pick<GuardInput, 'removals' | 'wiredTaps' | 'isHere'> => ({
  removals,
  wiredTaps: countWired(view, groups),
  isHere: (index) => view.observed.links.has(index),
});

/**
 * The host changes while a pass works on it, and another removal may come up in a later round. It is judged together with
 * those that were let go, which the memory has as taken: several small steps are not less than one large one.
 */
const judgeAgain = (
  settings: GuardSettings,
  input: GuardInput,
  { memory }: GuardVerdict,
  going: ReadonlyMap<string, Removal>,
): GuardVerdict =>
  judge(settings, {
    ...input,
    memory,
    accepted: input.accepted === 'all' ? 'all' : new Set([...input.accepted, ...going.keys()]),
  });

const holdsAnew = (before: GuardMemory, now: GuardMemory): boolean =>
  [...now.held.keys()].some((key) => !before.held.has(key)) ||
  [...now.pairs.held.keys()].some((key) => !before.pairs.held.has(key));

/** The taps whose wire was taken: what was to leave its bridge has left it. */
function wiresCut(removals: readonly Removal[], before: View, after: View): Set<IfIndex> {
  const hasLeft = (index: IfIndex): boolean =>
    before.observed.links.get(index)?.master !== after.observed.links.get(index)?.master;
  return new Set(removals.flatMap(({ taps, leaves }) => (leaves.some(hasLeft) ? taps : [])));
}

/** Something that is wired has no row in the answer, or was not asked for because it was not wired then. */
const isSilent = ({ view }: World, { removals, notable }: Desired): boolean =>
  removals.some(restsOnMissingRows) ||
  notable.some(({ tap, decision }) => decision.kind === 'unknown' && isPlugged(view, tap));

const heldOf = (removals: readonly Removal[], held: GuardVerdict['held']): HeldRemoval[] =>
  removals.flatMap(({ key, device, taps, text }) => {
    const reason = held.get(key);
    return reason === undefined ? [] : [{ key, device, taps: taps.length, text, reason }];
  });

/** What everybody is told when removals are held. */
export function heldWarning(held: readonly HeldRemoval[]): Warning[] {
  const reasons = [...new Set(held.map(({ reason }) => reason))];
  return held.length === 0
    ? []
    : [{ code: 'REMOVALS_HELD', message: `${held.length} removal(s) held back: ${reasons.join('; ')}` }];
}
