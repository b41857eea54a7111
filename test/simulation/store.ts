import type { Clock, StateName, Store } from '../../src/model/index.js';

interface Kept {
  readonly text: string;
  readonly writtenAtMs: number;
}

/** The files that outlive the agent. */
export type Disk = Map<StateName, Kept>;

/** What happens around a write; `before` may throw as a full file system does. */
export interface StoreEvents {
  readonly before: (name: StateName) => void;
  readonly after: (name: StateName) => void;
  /** false: the process is gone, and nothing reaches the disk. */
  readonly reaches: () => boolean;
}

/** A store with the real one's manners: whole files or none, their age by the clock on the wall. */
export const openSimulatedStore = (disk: Disk, clock: Clock, events: StoreEvents): Store => ({
  read: ({ name, check }) => {
    const kept = disk.get(name);
    if (kept === undefined) return { kind: 'none' };
    const ageMs = Math.max(0, clock.wallMs() - kept.writtenAtMs);
    const checked = check(JSON.parse(kept.text));
    // Nothing damages these files: what the agent has written, it must be able to read.
    if (!checked.ok) throw new Error(`${name} as the agent wrote it: ${checked.wrong}`);
    return { kind: 'kept', value: checked.value, ageMs, isOfThisBoot: true };
  },
  write: ({ name }, value) => {
    events.before(name);
    if (!events.reaches()) return;
    disk.set(name, { text: JSON.stringify(value), writtenAtMs: clock.wallMs() });
    events.after(name);
  },
  remove: ({ name }) => {
    if (events.reaches()) disk.delete(name);
  },
});
