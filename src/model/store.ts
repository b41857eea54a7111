/** What is kept on disk between two runs of the agent. */
export type StateName = 'last-known-good' | 'guard' | 'server' | 'address-move';

/** What was found: a value of the form that was asked for, or what is wrong with it, in one clause. */
export type Checked<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly wrong: string };

/** One kind of state: what it is called, and what has to be true of a value from the disk to be one. */
export interface StateKind<Value> {
  readonly name: StateName;
  readonly check: (value: unknown) => Checked<Value>;
}

/** What reading a kept state gives; a refusal names the file and says why in one sentence. */
export type Stored<Value> =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'kept';
      readonly value: Value;
      readonly ageMs: number;
      /** Else no time of the monotonic clock in it means anything, and no index of a link. */
      readonly isOfThisBoot: boolean;
    }
  | { readonly kind: 'refused'; readonly why: string };

/** The kept states, to look at. Never throws. */
export interface StoreReader {
  read<Value>(kind: StateKind<Value>): Stored<Value>;
}

/**
 * A few small files that outlive the process. Each is replaced as a whole or not at all. One that cannot be understood is
 * refused once: it is put aside under another name, and the next read finds none.
 */
export interface Store extends StoreReader {
  /**
   * Keeps what is so already. The newest value of a kind reaches the disk as soon as the disk takes it; nobody waits for
   * that. That it does not is told once, and that it does again.
   */
  keep<Value>(kind: StateKind<Value>, value: Value): void;
  /** Removes the file of a kind that holds no more, by the same queue. */
  forget(kind: StateKind<unknown>): void;
  /**
   * Writes what has to be on disk before a deed, and returns when it is. Throws what the file system says, as one sentence
   * that names the file; at once while the disk still owes the end of another write.
   */
  writeAhead<Value>(kind: StateKind<Value>, value: Value): void;
  /**
   * Runs `work`, which may write ahead, when the disk has just answered and owes nothing, so that it hangs in no write: a
   * process can do nothing about a disk that it waits for. After a second it is run all the same, and writes nothing ahead.
   */
  inTurn<Result>(work: () => Result): Promise<Result>;
  /** Settles when everything is kept that can be, or `limitMs` have gone by. */
  flush(limitMs: number): Promise<void>;
}
