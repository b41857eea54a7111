// biome-ignore-all lint/style/noRestrictedGlobals: drivers leave the limit on a whole query to their users, also where no agent runs
/**
 * Waits for `work`, but at most `limitMs`. The timer runs here, not in the server: a server that is
 * frozen, or whose packets vanish, keeps no limit of its own. `late` must end what `work` waits for and
 * gives the error to throw. `signal` ends the wait at once, with its reason as the error.
 */
export function within<T>(
  limitMs: number,
  work: Promise<T>,
  late: () => Error,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), limitMs);
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', abort);
    if (signal?.aborted === true) abort();
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    });
  });
}

/** A time that ends by itself. */
export interface Period {
  isOver(): boolean;
}

/** Tells whether `periodMs` have passed since now. The timer keeps no process from ending. */
export function periodFromNow(periodMs: number): Period {
  let isOver = false;
  setTimeout(() => {
    isOver = true;
  }, periodMs).unref();
  return { isOver: () => isOver };
}
