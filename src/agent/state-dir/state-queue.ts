import { type AgentEvent, type Clock, messageOf, type StateName, type Store } from '../../model/index.js';
import { inPatience } from '../patience.js';
import { startDiskLine, type Work } from './disk-line.js';

/** What was refused (a full disk, a folder of somebody else) is tried again after so long. */
const RETRY_MS = 5_000;

/** The files of one folder. What is a promise may take for ever, and holds up nobody. */
export interface StateFiles {
  /** The folder, as it is told. */
  readonly place: string;
  /** As a whole, and on disk when it settles. */
  write(name: StateName, value: unknown): Promise<void>;
  remove(name: StateName): Promise<void>;
  /** Changes something small; settles when that is on disk. */
  touch(): Promise<void>;
  writeSync(name: StateName, value: unknown): void;
}

/** Whether the state is kept. */
export type KeepingEvent = Extract<AgentEvent, { kind: 'state-failed' | 'state-kept' }>;

/**
 * Writes to the files one after another, so that an older value never takes the place of a newer one. Holds one value of
 * each kind at the most.
 */
export function startStateQueue(
  files: StateFiles,
  clock: Clock,
  tell: (event: KeepingEvent) => void,
): Omit<Store, 'read'> {
  const backlog = makeBacklog();
  const trouble = tellOnce(tell);
  let cancelRetry = (): void => {};
  let settleFlush = (): void => {};

  const next = (): Work | null => {
    const first = backlog.first();
    if (first === null) settleFlush();
    return first === null ? null : () => carryOut(...first);
  };
  const carryOut = async (name: StateName, write: Work): Promise<void> => {
    try {
      await write();
      backlog.written(name, write);
      noteAnswer();
    } catch (error) {
      backlog.refused(name, write);
      cancelRetry();
      cancelRetry = clock.after(RETRY_MS, retry);
      trouble.begins(messageOf(error));
    }
  };
  const noteAnswer = (): void => {
    if (!backlog.isRefused()) trouble.ends();
  };
  const retry = (): void => {
    backlog.retry();
    line.goOn();
  };
  const silence = (): string => describeSilence(files.place, clock.wallMs() - (line.owedMs() ?? 0));
  const line = startDiskLine({
    clock,
    next,
    // Why it is refused is told of what has to be written.
    touch: () => files.touch().then(noteAnswer, () => {}),
    silent: () => trouble.begins(silence()),
  });
  const put = (name: StateName, write: Work): void => {
    backlog.put(name, write);
    line.goOn();
  };
  return {
    keep: ({ name }, value) => put(name, () => files.write(name, value)),
    forget: ({ name }) => put(name, () => files.remove(name)),
    writeAhead: ({ name }, value) => {
      if (line.owedMs() !== null) throw new Error(silence());
      files.writeSync(name, value);
      backlog.written(name, null);
      noteAnswer();
    },
    inTurn: line.inTurn,
    flush: async (limitMs) => {
      const flushed = new Promise<void>((settle) => {
        settleFlush = settle;
      });
      retry();
      await inPatience(clock, flushed, limitMs);
      cancelRetry();
      if (line.owedMs() !== null)
        tell({ kind: 'state-failed', error: `${silence()}; the kernel keeps this process until it has` });
    },
  };
}

const describeSilence = (place: string, sinceMs: number): string =>
  `${place} does not answer: a write that was begun at ${new Date(sinceMs).toISOString().slice(0, 19)} UTC has not ended`;

/** How to write the newest value of each kind that is not on disk yet. */
function makeBacklog() {
  /** In the order in which they came. */
  const newest = new Map<StateName, Work>();
  /** What was refused; null: it is to be tried again. */
  const refused = new Map<StateName, Work | null>();
  return {
    put: (name: StateName, write: Work): void => {
      newest.delete(name);
      newest.set(name, write);
    },
    first: () => [...newest].find(([name, write]) => refused.get(name) !== write) ?? null,
    /** null: in another way than by what waits, and that is older. */
    written: (name: StateName, write: Work | null): void => {
      if (write === null || newest.get(name) === write) newest.delete(name);
      refused.delete(name);
    },
    refused: (name: StateName, write: Work): void => void refused.set(name, write),
    isRefused: (): boolean => refused.size > 0,
    retry: (): void => {
      for (const name of refused.keys()) refused.set(name, null);
    },
  };
}

/** Tells when it begins that the state is not kept, and when it is over. */
function tellOnce(tell: (event: KeepingEvent) => void) {
  let isTold = false;
  return {
    begins: (error: string): void => {
      if (!isTold) tell({ kind: 'state-failed', error });
      isTold = true;
    },
    ends: (): void => {
      if (isTold) tell({ kind: 'state-kept' });
      isTold = false;
    },
  };
}
