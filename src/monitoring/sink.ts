import { write } from 'node:fs';
import type { Clock } from '../model/index.js';

/** What waits to be written. Whoever reads so slowly loses lines: an agent that waits for its log serves nobody. */
const WAITING_BYTES_MAX = 1024 * 1024;
/** After a write that was refused (a full disk, a reader that has stopped or left): twice as long each time. */
const RETRY_FIRST_MS = 10;
const RETRY_MAX_MS = 1_000;

/** Where the log goes. Nothing of it blocks, throws, or grows without a bound. */
export interface Sink {
  /** Writes soon, or drops the text when too much waits already. */
  write(text: string): void;
  /** How many texts were dropped so far. */
  dropped(): number;
  /** Settles when everything is written, or `limitMs` have gone by. */
  flush(limitMs: number): Promise<void>;
}

/**
 * Writes to the file descriptor `fd`, one write at a time, each on a thread of Node's own. `flows` hears of it when
 * something is written again after texts were dropped, and how many.
 */
export function openSink(fd: number, clock: Clock, flows: (dropped: number) => void): Sink {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let state: 'idle' | 'writing' | 'pausing' = 'idle';
  let pauseMs = RETRY_FIRST_MS;
  let dropped = 0;
  let told = 0;
  let settleFlush = (): void => {};

  const writeNext = (): void => {
    if (waiting.length === 0) {
      state = 'idle';
      settleFlush();
      return;
    }
    state = 'writing';
    const piece = Buffer.concat(waiting);
    waiting = [piece];
    write(fd, piece, (error, written) => {
      if (error !== null) {
        state = 'pausing';
        clock.after(pauseMs, writeNext);
        pauseMs = Math.min(2 * pauseMs, RETRY_MAX_MS);
        return;
      }
      waiting[0] = piece.subarray(written);
      waitingBytes -= written;
      if (written === piece.length) waiting.shift();
      pauseMs = RETRY_FIRST_MS;
      tellOfDropped();
      writeNext();
    });
  };
  const tellOfDropped = (): void => {
    const news = dropped - told;
    told = dropped;
    if (news > 0) flows(news);
  };
  return {
    write: (text) => {
      const bytes = Buffer.from(text);
      if (waitingBytes + bytes.length > WAITING_BYTES_MAX) {
        dropped += 1;
        return;
      }
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (state === 'idle') writeNext();
    },
    dropped: () => dropped,
    flush: (limitMs) =>
      new Promise((settle) => {
        settleFlush = settle;
        clock.after(limitMs, settle);
        if (state === 'idle') settle();
      }),
  };
}
