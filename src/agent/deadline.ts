import { type Clock, type Database, DatabaseError } from '../model/index.js';

/**
 * The database, no call of which is waited for once `limitMs` have gone by since now: it throws a DatabaseError then. What
 * is given up goes on by itself until its own limits end it.
 */
export function withDeadline(database: Database, clock: Clock, limitMs: number): Database {
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
  return {
    read: (question) => inTime(() => database.read(question)),
    writeStatuses: (changes) => inTime(() => database.writeStatuses(changes)),
    close: () => (isOver() ? Promise.resolve() : database.close()),
  };
}

const tooLate = (limitMs: number): DatabaseError =>
  new DatabaseError(
    'unreachable',
    `The database did not answer within the ${limitMs / 1000} s of --timeout.`,
  );
