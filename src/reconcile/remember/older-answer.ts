import { isCatchingUp } from '../guard/trust.js';
import { isPlugged, type View } from '../see/view.js';
import type { FreshAnswer, Memory } from './memory.js';

/**
 * A port that was set down, and whose tap has left its bridge for that, is up in the rows of a replica that has not heard
 * of it yet, or is not there yet: it stays as it is known until that one has caught up. Everything else is as it says.
 */
export function withPortsKnownDown(fresh: FreshAnswer, { known }: Memory, view: View): FreshAnswer {
  const { answer } = fresh;
  if (!isCatchingUp(answer)) return fresh;
  const down = new Map(
    [...known].flatMap(([name, port]) => {
      const tap = view.observed.byName.get(name);
      const isIn = tap !== undefined && isPlugged(view, tap);
      // No status is owed to a row of before.
      const stays = { ...port, status: port.statusWords.down };
      return port.adminUp || isIn ? [] : [[port.id, stays] as const];
    }),
  );
  const ports = [...answer.ports.filter(({ id }) => !down.has(id)), ...down.values()];
  return { ...fresh, answer: { ...answer, ports } };
}
