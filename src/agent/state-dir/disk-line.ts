import type { Clock } from '../../model/index.js';

/** A disk that owes the end of a write for so long is told not to answer. */
const SILENT_MS = 5_000;
/** What may write ahead waits no longer for the disk: taps wait for it. */
const TURN_LIMIT_MS = 1_000;

/** Something that the disk has to do. Never rejects; may take for ever. */
export type Work = () => Promise<void>;

/** What the disk has to do, one after another, so that one that does not answer holds one of Node's threads and not all. */
export interface DiskLine {
  /** Takes the next work, if none is under way. */
  goOn(): void;
  /** See `Store`. */
  inTurn<Result>(work: () => Result): Promise<Result>;
  /** How long the work has been under way that the disk owes the end of; null: it owes nothing. */
  owedMs(): number | null;
}

export interface LineEdges {
  readonly clock: Clock;
  /** What is to be done next; null: nothing. */
  readonly next: () => Work | null;
  /** Asks the disk for an answer, and for nothing else. */
  readonly touch: Work;
  /** Is told when the disk does not answer. */
  readonly silent: () => void;
}

export function startDiskLine({ clock, next, touch, silent }: LineEdges): DiskLine {
  const turns = new Set<() => void>();
  let state: { readonly kind: 'idle' | 'turn' } | { readonly kind: 'working'; readonly sinceMs: number } =
    IDLE;

  const owedMs = (): number | null => (state.kind === 'working' ? clock.monotonicMs() - state.sinceMs : null);
  const goOn = (): void => {
    if (state.kind !== 'idle') return;
    const work = turns.size > 0 ? touch : next();
    if (work !== null) void begin(work);
  };
  const begin = async (work: Work): Promise<void> => {
    state = { kind: 'working', sinceMs: clock.monotonicMs() };
    const cancel = clock.after(SILENT_MS, silent);
    await work();
    cancel();
    // The disk has just answered; what a turn gives it to do waits until the turn is over.
    state = TURN;
    for (const turn of turns) turn();
    state = IDLE;
    goOn();
  };
  return {
    goOn,
    owedMs,
    inTurn: (work) =>
      new Promise((settle, fail) => {
        const turn = (): void => {
          turns.delete(turn);
          cancel();
          try {
            settle(work());
          } catch (error) {
            fail(error);
          }
        };
        const isSilent = (owedMs() ?? 0) >= SILENT_MS;
        const cancel = clock.after(isSilent ? 0 : TURN_LIMIT_MS, turn);
        turns.add(turn);
        goOn();
      }),
  };
}

const IDLE = { kind: 'idle' } as const;
const TURN = { kind: 'turn' } as const;
