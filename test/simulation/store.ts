import {
  type KeepingEvent,
  type StateFiles,
  startStateQueue,
} from '../../src/agent/state-dir/state-queue.js';
import type { Clock, StateKind, StateName, Store } from '../../src/model/index.js';

interface Kept {
  readonly text: string;
  readonly writtenAtMs: number;
}

/** The files that outlive the agent. */
export type Disk = Map<StateName, Kept>;

/** What happens around a write. */
export interface StoreEvents {
  /** Something is given to be kept; the result is told whether it has reached the disk. */
  readonly given: (name: StateName) => Teller;
  /** May throw as a full file system does. */
  readonly before: (name: StateName) => void;
  readonly after: (name: StateName) => void;
  /** false: the process is gone, and nothing reaches the disk. */
  readonly reaches: () => boolean;
  /** Whether the disk answers now. */
  readonly answers: () => boolean;
  /** A write that the whole process waits for meets a disk that does not answer. */
  readonly hangs: (name: StateName) => void;
  /** Work is given that waits for its turn; the result is told before it is done. */
  readonly putOff: () => () => void;
  readonly tell: (event: KeepingEvent) => void;
}

const ANSWER_LOOKED_FOR_MS = 20;

type Teller = (isWritten: boolean) => void;

/** A store with the real one's queue and manners: whole files or none, their age by the clock on the wall. */
export function openSimulatedStore(disk: Disk, clock: Clock, events: StoreEvents): Store {
  const tellers = new Map<StateName, Teller>();
  const queue = startStateQueue(filesOf(disk, clock, events, tellers), clock, events.tell);
  const give = ({ name }: StateKind<unknown>): void => {
    const tell = events.given(name);
    tellers.set(name, tell);
    if (!events.answers()) tell(false);
  };
  return {
    ...queue,
    keep: (kind, value) => {
      give(kind);
      queue.keep(kind, value);
    },
    writeAhead: (kind, value) => {
      give(kind);
      queue.writeAhead(kind, value);
    },
    inTurn: (work) => {
      const begin = events.putOff();
      return queue.inTurn(() => {
        begin();
        return work();
      });
    },
    read: ({ name, check }) => {
      const kept = disk.get(name);
      if (kept === undefined) return { kind: 'none' };
      const ageMs = Math.max(0, clock.wallMs() - kept.writtenAtMs);
      const checked = check(JSON.parse(kept.text));
      // Nothing damages these files: what the agent has written, it must be able to read.
      if (!checked.ok) throw new Error(`${name} as the agent wrote it: ${checked.wrong}`);
      return { kind: 'kept', value: checked.value, ageMs, isOfThisBoot: true };
    },
  };
}

/** By `tellers`, who is told of the newest value of each kind. */
function filesOf(
  disk: Disk,
  clock: Clock,
  events: StoreEvents,
  tellers: ReadonlyMap<StateName, Teller>,
): StateFiles {
  const answered = (): Promise<void> =>
    new Promise((settle) => {
      const look = (): unknown => (events.answers() ? settle() : clock.after(ANSWER_LOOKED_FOR_MS, look));
      look();
    });
  const land = (name: StateName, value: unknown, tell = tellers.get(name)): void => {
    try {
      events.before(name);
    } catch (error) {
      tell?.(false);
      throw error;
    }
    if (!events.reaches()) return;
    disk.set(name, { text: JSON.stringify(value), writtenAtMs: clock.wallMs() });
    tell?.(true);
    events.after(name);
  };
  return {
    place: 'state_dir',
    write: async (name, value) => {
      const tell = tellers.get(name);
      await answered();
      land(name, value, tell);
    },
    remove: async (name) => {
      await answered();
      if (events.reaches()) disk.delete(name);
    },
    touch: answered,
    // Nothing ends this one: who enters it must know that the disk answers.
    writeSync: (name, value) => {
      if (!events.answers()) events.hangs(name);
      land(name, value);
    },
  };
}
