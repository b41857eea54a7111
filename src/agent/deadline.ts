import { type Clock, type Database, DatabaseError } from '../model/index.js';

/** A time that begins now. */
export interface Deadline {
  /** Does work that is waited for no longer than the time is; it throws a DatabaseError then, and the work goes on until its own limits end it. */
  inTime<Value>(work: () => Promise<Value>): Promise<Value>;
  isOver(): boolean;
}

export function startDeadline(clock: Clock, limitMs: number): Deadline {
  const endMs = clock.monotonicMs() + limitMs;
  // Node cuts the fraction off a delay: a timer may fire a little before its time, and the time is up then.
  let hasFired = false;
  const isOver = (): boolean => hasFired || clock.monotonicMs() >= endMs;
  const inTime = <Value>(work: () => Promise<Value>): Promise<Value> =>
    new Promise((settle, fail) => {
      const expire = (): void => {
        hasFired = true;
        fail(tooLate(limitMs));
      };
      if (isOver()) {
        expire();
        return;
      }
      const cancel = clock.after(endMs - clock.monotonicMs(), expire);
      work().then(settle, fail).finally(cancel);
    });
  return { inTime, isOver };
}

/** The database, no call of which is waited for once the time is up. */
export const withDeadline = (database: Database, { inTime, isOver }: Deadline): Database => ({
  read: (question) => inTime(() => database.read(question)),
  writeStatuses: (changes) => inTime(() => database.writeStatuses(changes)),
  close: () => (isOver() ? Promise.resolve() : database.close()),
});

const tooLate = (limitMs: number): DatabaseError =>
  new DatabaseError(
    'unreachable',
    `The database did not answer within the ${limitMs / 1000} s of --timeout.`,
  );
