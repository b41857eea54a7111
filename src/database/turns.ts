/** Calls share one connection: the next begins when the one before has ended, however it ended. */
export function oneAfterAnother(): <T>(work: () => Promise<T>) => Promise<T> {
  let turn: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = turn.then(work, work);
    // The caller hears of a failure; here it only ends the turn.
    turn = mine.catch(() => {});
    return mine;
  };
}
