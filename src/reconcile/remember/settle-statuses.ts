import type { LinkName, StatusChange } from '../../model/index.js';
import { noteActive, withoutTakenBack } from './active-lately.js';
import type { Memory } from './memory.js';

/** Before statuses are written: nobody can tell afterwards whether those of a broken connection have arrived. */
export const noteWriting = (memory: Memory, writing: readonly StatusChange[], nowMs: number): Memory => ({
  ...memory,
  activeLately: noteActive(memory.activeLately, writing, nowMs),
});

/** After the statuses were written: DOWN is owed no more for the ports that were among them with it, and nothing is taken back twice. */
export function settleStatuses(memory: Memory, written: readonly StatusChange[]): Memory {
  const statuses = new Map(written.map(({ port, to }) => [port, to]));
  const isSettled = (name: LinkName): boolean => {
    const port = memory.known.get(name);
    return port !== undefined && statuses.get(port.id) === port.statusWords.down;
  };
  return {
    ...memory,
    away: new Map(
      [...memory.away].map(([name, one]) => [name, isSettled(name) ? { ...one, owesDown: false } : one]),
    ),
    activeLately: withoutTakenBack(memory.activeLately, written),
  };
}
