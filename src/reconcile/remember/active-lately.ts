import type { Answer, PortId, StatusChange } from '../../model/index.js';

/** When this agent wrote ACTIVE for a port that is bound here, as far as that may have to be taken back. */
export type ActiveLately = ReadonlyMap<PortId, number>;

/**
 * A server that moves a port reads its row, takes its time (tenths of a second, more under load), and commits the new
 * host without touching a status that was DOWN when it read it: an ACTIVE that was written meanwhile stays. Later moves
 * are none of this: whoever serves the port then may have written ACTIVE by right.
 */
export const TAKE_BACK_MS = 5_000;

export const noteActive = (
  before: ActiveLately,
  writing: readonly StatusChange[],
  nowMs: number,
): ActiveLately =>
  new Map([
    ...before,
    ...writing.flatMap(({ port, to, bound }) =>
      bound === 'here' && to === ACTIVE ? [[port, nowMs] as const] : [],
    ),
  ]);

/** Every generation that has hosts calls it so. */
const ACTIVE = 'ACTIVE';

/** The ports whose ACTIVE is this host's and wrong: the answer has them bound to another host. */
export const takeBacks = (
  { ports }: Answer,
  activeLately: ActiveLately,
  nowMs: number,
): readonly StatusChange[] =>
  activeLately.size === 0
    ? []
    : ports.flatMap(({ id, status, statusWords: { down }, binding: { kind } }) => {
        const isElsewhere = kind === 'elsewhere' || kind === 'standby';
        const isOurs = isElsewhere && status === ACTIVE && isLately(activeLately.get(id), nowMs);
        return isOurs ? [{ port: id, from: status, to: down, bound: 'elsewhere' as const }] : [];
      });

const isLately = (writtenMs: number | undefined, nowMs: number): boolean =>
  writtenMs !== undefined && nowMs - writtenMs < TAKE_BACK_MS;

export const stillLately = (before: ActiveLately, nowMs: number): ActiveLately =>
  new Map([...before].filter(([, writtenMs]) => isLately(writtenMs, nowMs)));

export function withoutTakenBack(before: ActiveLately, written: readonly StatusChange[]): ActiveLately {
  const takenBack = new Set(written.flatMap(({ port, bound }) => (bound === 'elsewhere' ? [port] : [])));
  return new Map([...before].filter(([port]) => !takenBack.has(port)));
}
