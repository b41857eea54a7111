import {
  type LinkRef,
  type NetworkId,
  type Operation,
  type OperationOf,
  type Warning,
  withChanges,
} from '../model/index.js';

/** The same repair this often within `WINDOW_MS` means that somebody undoes it. */
const PATIENCE = 3;
const WINDOW_MS = 60_000;
const FIRST_PAUSE_MS = 10_000;
const PAUSE_MAX_MS = 300_000;
/** A DHCP client renews a short lease this often on the enslaved uplink: the address must reach the bridge in time. */
const RENEWAL_PAUSE_MAX_MS = 10_000;
/** So many repairs are looked through each time. */
const FEW = 32;

/** One repair that was made, and when it may be made again. */
export interface Repair {
  readonly times: number;
  readonly lastMs: number;
  readonly notBeforeMs: number;
}

/** By what a repair is about, see `keyOf`. Bounded: what is over is forgotten with the next operations. */
export type Repairs = ReadonlyMap<string, Repair>;

/** What an operation changes about a port of a bridge. */
interface Membership {
  readonly change: OperationOf<'move-addresses'>['membership'];
  readonly port: LinkRef;
  readonly bridge: LinkRef;
}

/** null: no port joins a bridge or leaves one. */
function membershipOf(operation: Operation): Membership | null {
  switch (operation.op) {
    case 'attach':
      return { change: 'join', port: operation.target, bridge: operation.bridge };
    case 'detach':
      return { change: 'leave', port: operation.target, bridge: operation.bridge };
    case 'move-addresses': {
      const { from, to, membership: change } = operation;
      return change === 'leave' ? { change, port: to, bridge: from } : { change, port: from, bridge: to };
    }
    default:
      return null;
  }
}

/** Words with a blank between them: what is done, and the devices that it is about. */
function keyOf(operation: Operation): string {
  const membership = membershipOf(operation);
  if (membership !== null) return membershipKey(membership);
  const { op, device } = operation;
  // A bridge that somebody makes again has another index each time.
  const isDeletion = op === 'delete-bridge' || op === 'delete-subinterface';
  const index = isDeletion || !('target' in operation) ? null : operation.target.index;
  return `${op} ${index ?? device}`;
}

/**
 * Somebody who keeps a port out of one bridge says nothing about another one, where its network may be now. Out it
 * has to stay of every bridge. The bridge goes by its name: the first time it may have no index yet.
 */
const membershipKey = ({ change, port, bridge }: Membership): string =>
  change === 'leave'
    ? `leave ${port.index ?? port.name}`
    : `${change} ${port.index ?? port.name} ${bridge.name}`;

/** The agent's own work that this operation takes back: making it again later is no repair. */
function takenBackBy(operation: Operation, noted: () => readonly string[]): readonly string[] {
  const membership = membershipOf(operation);
  if (membership !== null) return oppositesOf(membership);
  switch (operation.op) {
    case 'create-bridge':
    case 'create-subinterface':
      return [`delete-${operation.op.slice('create-'.length)} ${operation.device}`];
    case 'delete-bridge':
    case 'delete-subinterface':
      return noted().filter((key) => key !== keyOf(operation) && isAbout(key, operation.target));
    default:
      return [];
  }
}

/** A subinterface that had just been made joined its bridge under its name. */
function oppositesOf(membership: Membership): readonly string[] {
  const { change, port } = membership;
  if (change === 'none') return [];
  if (change === 'join') return [membershipKey({ ...membership, change: 'leave' })];
  const unnumbered = { name: port.name, index: null };
  return [port, unnumbered].map((ref) => membershipKey({ ...membership, change: 'join', port: ref }));
}

const isAbout = (key: string, { name, index }: LinkRef): boolean =>
  key.split(' ').some((word, at) => at > 0 && (word === name || word === `${index}`));

/**
 * Leaves out repairs that were undone again and again (another agent or a network manager changes the same
 * devices), until their pause is over. A network whose bridge or uplink is left out is left out as a whole. A tap
 * leaves a bridge all the same, wherever it goes from there: others may come into that bridge now. And one that
 * somebody keeps setting down goes into its bridge all the same.
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
  const devices = new Set(
    paused.flatMap(({ op, scope, device }) => (scope === 'device' && op !== 'set-up' ? [device] : [])),
  );
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
  const noted = withoutOld(repairs, nowMs);
  const changes = new Map<string, Repair | undefined>();
  const counted = new Set<string>();
  const keys = (): string[] => [...noted.keys(), ...changes.keys()];
  const before = (key: string): Repair | undefined => (changes.has(key) ? changes.get(key) : noted.get(key));
  for (const operation of done) {
    const key = keyOf(operation);
    if (!counted.has(key)) changes.set(key, again(before(key), nowMs, pauseMaxMs(operation)));
    counted.add(key);
    for (const taken of takenBackBy(operation, keys)) changes.set(taken, undefined);
  }
  return withChanges(noted, changes);
}

/** Looks through many of them only where they have just been copied, which costs as much: see `withChanges`. */
function withoutOld(repairs: Repairs, nowMs: number): Repairs {
  if (repairs.size > FEW && !(repairs instanceof Map)) return repairs;
  const recent = [...repairs].filter(([, repair]) => isRecent(repair, nowMs));
  return recent.length === repairs.size ? repairs : new Map(recent);
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
