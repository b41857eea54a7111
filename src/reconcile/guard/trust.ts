import type { Answer, Warning, WentBack } from '../../model/index.js';
import { type Removal, restsOnMissingRows } from '../decide/desired.js';

/** What is known of the servers that have answered; kept on disk, so that a restart believes no more than before. */
export interface ServerTrust {
  /** The server that answered last. */
  readonly id: string;
  /** The last one that was believed; null: that very one has gone back. */
  readonly believed: string | null;
  /** Why the server of the last answer is not believed; null: it is. */
  readonly doubt: Doubt | null;
}

export type Doubt =
  /** Another server than the believed one: it may lack rows. */
  | { readonly kind: 'other-server' }
  /** A read-only one has taken over, or was promoted since: all it says may be old. */
  | { readonly kind: 'replica' }
  | ({ readonly kind: 'went-back' } & WentBack);

/** Which removals an answer is not believed about, and why in one clause. */
export interface Suspicion {
  readonly about: 'missing-rows' | 'every-removal';
  readonly reason: string;
}

/** What an answer makes of the trust before. `wentBack`: a sign that the database is older than it was. */
export function hear(
  before: ServerTrust | null,
  { server: id, suspect }: Pick<Answer, 'server' | 'suspect'>,
  wentBack: WentBack | null,
): ServerTrust {
  if (wentBack !== null) {
    const believed = before === null || before.believed === id ? null : before.believed;
    const { known, shown } = wentBack;
    return { id, believed, doubt: { kind: 'went-back', known, shown } };
  }
  if (before === null) return believe(id);
  if (before.believed === id) return believe(id);
  if (before.doubt !== null && before.doubt.kind !== 'other-server') return { ...before, id };
  const tookOver = suspect !== null && before.id !== id;
  return { ...before, id, doubt: { kind: tookOver ? 'replica' : 'other-server' } };
}

const believe = (id: string): ServerTrust => ({ id, believed: id, doubt: null });

/** The removals that rest on a server that is not trusted; null: the guard has only their number to look at. */
export function suspicionOf({ suspect }: Pick<Answer, 'suspect'>, { doubt }: ServerTrust): Suspicion | null {
  switch (doubt?.kind) {
    case 'went-back':
      return {
        about: 'every-removal',
        reason: `the database went back in time, from ${doubt.known} to ${doubt.shown} UTC`,
      };
    case 'replica':
      return {
        about: 'every-removal',
        reason: 'a read-only server took over, and it does not say what was known last',
      };
    case 'other-server':
    case undefined:
  }
  if (suspect !== null) {
    const state =
      suspect === 'in-recovery'
        ? 'in recovery, so rows may be missing that exist'
        : 'read-only, so it may be a replica that lags behind';
    return { about: 'missing-rows', reason: `the server is ${state}` };
  }
  return doubt === null
    ? null
    : {
        about: 'missing-rows',
        reason: 'another server answers than before, and it does not have every row that is in use',
      };
}

/** Whether the suspicion is about this removal. */
export const concerns = (suspicion: Suspicion | null, removal: Removal): boolean =>
  suspicion !== null && (suspicion.about === 'every-removal' || restsOnMissingRows(removal));

/** What the answer of a server that is doubted led to. */
export interface Heard {
  /** Something that is wired has no row in it, or was not asked for. */
  readonly isSilent: boolean;
  /** The answer is a read-only server's that still lacks what was known: what the server agrees with now, it may contradict soon. */
  readonly isCatchingUp: boolean;
  readonly removals: readonly Removal[];
  /** Whether the guard lets it go ahead. */
  readonly isFree: (removal: Removal) => boolean;
}

/** A server that says of the wired taps what was known last is believed from then on, as is one whose removals went ahead. */
export function settleTrust(
  trust: ServerTrust,
  { isSilent, isCatchingUp, removals, isFree }: Heard,
): ServerTrust {
  const { id, doubt } = trust;
  if (doubt === null) return trust;
  const doubted = doubt.kind === 'other-server' ? removals.filter(restsOnMissingRows) : removals;
  const saysWhatWasKnown = !isSilent && !isCatchingUp && doubted.length === 0;
  return saysWhatWasKnown || (doubted.length > 0 && doubted.every(isFree)) ? believe(id) : trust;
}

/** Told as long as it is doubted, and at least once. */
export const wentBackWarning = ({ doubt }: ServerTrust): Warning[] =>
  doubt?.kind !== 'went-back'
    ? []
    : [
        {
          code: 'DATABASE_WENT_BACK',
          message: `This agent's heartbeat in agents was of ${doubt.known} UTC, and now the database shows one of ${doubt.shown} UTC: it is older than it was.`,
        },
      ];

/** Whether it is a read-only server's that still lacks what is known: it says what was so before, and goes on to. */
export const isCatchingUp = ({ suspect, behind }: Answer): boolean => suspect !== null && behind !== null;
