// biome-ignore-all lint/nursery/noJsRestrictedProperties: the one place where time is read
// biome-ignore-all lint/style/noRestrictedGlobals: the one place where time is waited for
import type { Clock } from '../model/index.js';

/** The machine's own time. The only place that asks for it, so that a simulation can run on another. */
export const realClock: Clock = {
  // CLOCK_MONOTONIC counts from the start of the machine, so that two runs of `once` can be compared.
  monotonicMs: () => Number(process.hrtime.bigint() / 1000n) / 1000,
  wallMs: () => Date.now(),
  after: (delayMs, wake) => {
    // A timer waits a millisecond at the least.
    if (delayMs <= 0) {
      const immediate = setImmediate(wake);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(wake, delayMs);
    return () => clearTimeout(timer);
  },
};
