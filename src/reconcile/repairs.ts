import type { NetworkId, Operation, Warning } from '../model/index.js';

/** The same repair this often within `WINDOW_MS` means that somebody undoes it. */
const PATIENCE = 3;
const WINDOW_MS = 60_000;
const FIRST_PAUSE_MS = 10_000;
const PAUSE_MAX_MS = 300_000;
/** A DHCP client renews a short lease this often on the enslaved uplink: the address must reach the bridge in time. */
const RENEWAL_PAUSE_MAX_MS = 10_000;

/** One repair that was made, and when it may be made again. */
export interface Repair {
  readonly times: number;
  readonly lastMs: number;
  readonly notBeforeMs: number;
}

/** By operation and device. Bounded: what is over is forgotten with the next operation. */
export type Repairs = ReadonlyMap<string, Repair>;

function keyOf(operation: Operation): string {
  const { op, device } = operation;
  if (op === 'move-addresses') return `${op} ${operation.membership} ${device}`;
  // A bridge that somebody makes again has another index each time.
  const isDeletion = op === 'delete-bridge' || op === 'delete-subinterface';
  const index = isDeletion || !('target' in operation) ? null : operation.target.index;
  return `${op} ${index ?? device}`;
}

/** The agent's own work that this operation takes back: making it again later is no repair. */
function takenBackBy(operation: Operation, noted: Repairs): readonly string[] {
  const { device } = operation;
  const joins = [`attach ${device}`, `move-addresses join ${device}`];
  const leaves = [`detach ${device}`, `move-addresses leave ${device}`];
  switch (operation.op) {
    case 'attach':
      return [...leaves, `detach ${operation.target.index}`];
    case 'detach':
      return [...joins, `attach ${operation.target.index}`];
    case 'move-addresses': {
      const { from, to, membership } = operation;
      if (membership === 'none') return [];
      return membership === 'join' ? [...leaves, `detach ${from.index}`] : [...joins, `attach ${to.index}`];
    }
    case 'create-bridge':
    case 'create-subinterface':
      return [`delete-${operation.op.slice('create-'.length)} ${device}`];
    case 'delete-bridge':
    case 'delete-subinterface':
      return [...noted.keys()].filter(
        (key) =>
          key !== keyOf(operation) &&
          [device, operation.target.index].some((about) => key.endsWith(` ${about}`)),
      );
    default:
      return [];
  }
}

/**
 * Leaves out repairs that were undone again and again (another agent or a network manager changes the same
 * devices), until their pause is over. A network whose bridge or uplink is left out is left out as a whole. A tap
 * leaves a bridge all the same, wherever it goes from there: others may come into that bridge now.
 */
export function backOff(
  operations: readonly Operation[],
  repairs: Repairs,
  nowMs: number,
): { operations: Operation[]; warnings: Warning[] } {
  const paused = operations.filter((operation) => nowMs < (repairs.get(keyOf(operation))?.notBeforeMs ?? 0));
  if (paused.length === 0) return { operations: [...operations], warnings: [] };
  const networks = new Set<NetworkId | null>(
    paused.flatMap(({ scope, network }) => (scope === 'network' && network !== null ? [network] : [])),
  );
  const devices = new Set(paused.flatMap(({ scope, device }) => (scope === 'device' ? [device] : [])));
  return {
    operations: operations.filter(
      (operation) =>
        !paused.includes(operation) &&
        (isTapLeaving(operation) ||
          (!networks.has(operation.network) &&
            !(operation.scope === 'device' && devices.has(operation.device)))),
    ),
    warnings: paused.map((operation) => ({
      code: 'REPAIR_UNDONE',
      message: `${operation.op} of ${operation.device} has been undone again and again: pausing it`,
      device: operation.device,
      ...(operation.network === null ? {} : { network: operation.network }),
    })),
  };
}

const isTapLeaving = ({ op, scope }: Operation): boolean => op === 'detach' && scope === 'device';

/** Notes the operations that one pass carried out; what it had to make several times counts once. */
export function noteRepairs(repairs: Repairs, done: readonly Operation[], nowMs: number): Repairs {
  if (done.length === 0) return repairs;
  const next = new Map(repairs);
  for (const [key, repair] of repairs) if (!isRecent(repair, nowMs)) next.delete(key);
  const counted = new Set<string>();
  for (const operation of done) {
    const key = keyOf(operation);
    if (!counted.has(key)) next.set(key, again(next.get(key), nowMs, pauseMaxMs(operation)));
    counted.add(key);
    for (const taken of takenBackBy(operation, next)) next.delete(taken);
  }
  return next;
}

/** Whether making it now would be making it again. One that is not is as good as forgotten. */
const isRecent = ({ lastMs, notBeforeMs }: Repair, nowMs: number): boolean =>
  nowMs < Math.max(lastMs, notBeforeMs) + WINDOW_MS;

const pauseMaxMs = (operation: Operation): number =>
  operation.op === 'move-addresses' && operation.membership === 'none' ? RENEWAL_PAUSE_MAX_MS : PAUSE_MAX_MS;

function again(before: Repair | undefined, nowMs: number, maxMs: number): Repair {
  const times = before !== undefined && isRecent(before, nowMs) ? before.times + 1 : 1;
  const pauseMs =
    times < PATIENCE ? 0 : Math.min(maxMs, FIRST_PAUSE_MS * 2 ** Math.min(times - PATIENCE, 10));
  return { times, lastMs: nowMs, notBeforeMs: pauseMs === 0 ? 0 : nowMs + pauseMs };
}
