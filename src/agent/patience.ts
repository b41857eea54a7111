import type { Clock } from '../model/index.js';

/** Waits for the end of `work`, at most `limitMs`; it goes on by itself then. */
export async function inPatience(clock: Clock, work: Promise<unknown>, limitMs: number): Promise<void> {
  let cancel = (): void => {};
  const patience = new Promise<void>((settle) => {
    cancel = clock.after(limitMs, settle);
  });
  await Promise.race([work, patience]);
  cancel();
}
