import {
  entryKey,
  fingerprintOf,
  type LinkRef,
  type NetworkId,
  OPERATIONS,
  type Operation,
  type OperationOf,
  type OperationOutcome,
  type Warning,
} from '../../model/index.js';

/** A repair that is made this often within `WINDOW_MS` is undone by somebody. */
const PATIENCE = 3;
const WINDOW_MS = 60_000;
const FIRST_PAUSE_MS = 10_000;
const PAUSE_MAX_MS = 300_000;
/** A DHCP client renews a short lease this often on the enslaved uplink: the address must reach the bridge in time. */
const RENEWAL_PAUSE_MAX_MS = 10_000;

/** One repair that was made, or refused, and when it may be made again. */
export interface Repair {
  /** null: it was made, and somebody has undone it; else why the kernel refused it. */
  readonly refusal: string | null;
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
  const isDeletion = OPERATIONS[op].sign === '-';
  const index = isDeletion || !('target' in operation) ? null : operation.target.index;
  const key = `${op} ${index ?? device}`;
  return operation.op === 'set-forwarding' ? `${key} ${batchKey(operation)}` : key;
}

/** Hosts come and go: only the same entries again are a repair. */
const batchKey = ({ add, remove }: OperationOf<'set-forwarding'>): string =>
  fingerprintOf([
    ...add.map((entry) => ({ key: `+ ${entryKey(entry)}` })),
    ...remove.map((entry) => ({ key: `- ${entryKey(entry)}` })),
  ]) ?? '';

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
  const kind = OPERATIONS[operation.op];
  if (kind.sign === '+') return [`${kind.opposite} ${operation.device}`];
  if (kind.sign === '~' || !('target' in operation)) return [];
  return noted().filter((key) => key !== keyOf(operation) && isAbout(key, operation.target));
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
 * Leaves out repairs that were undone again and again (another agent or a network manager changes the same devices),
 * until their pause is over, and what builds on them. Nothing else waits: who fights over one option of a bridge keeps no
 * tap out of it.
 */
export function backOff(
  operations: readonly Operation[],
  repairs: Repairs,
  nowMs: number,
): { operations: Operation[]; warnings: Warning[] } {
  const isPaused = (operation: Operation): boolean =>
    nowMs < (repairs.get(keyOf(operation))?.notBeforeMs ?? 0);
  const paused = operations.filter(isPaused);
  if (paused.length === 0) return { operations: [...operations], warnings: [] };
  // What the kernel refuses stops its network, as it does when it is tried.
  const refused = new Set<NetworkId | null>(
    paused.flatMap((one) =>
      repairs.get(keyOf(one))?.refusal == null || one.network === null ? [] : [one.network],
    ),
  );
  const withheld = new Set<string>();
  const goesAhead = (operation: Operation): boolean => {
    const waits =
      isPaused(operation) ||
      needsOf(operation).some((need) => withheld.has(need)) ||
      (refused.has(operation.network) && !isTapLeaving(operation));
    if (waits) for (const given of givenBy(operation)) withheld.add(given);
    return !waits;
  };
  return {
    operations: operations.filter(goesAhead),
    warnings: paused.map((operation) => ({
      ...pauseOf(operation, repairs.get(keyOf(operation))?.refusal ?? null),
      device: operation.device,
      ...(operation.network === null ? {} : { network: operation.network }),
    })),
  };
}

const pauseOf = ({ op, device }: Operation, refusal: string | null): Pick<Warning, 'code' | 'message'> =>
  refusal === null
    ? { code: 'REPAIR_UNDONE', message: `${op} of ${device} has been undone again and again: pausing it` }
    : { code: 'OPERATION_FAILED', message: `${op} of ${device} failed again and again: ${refusal}` };

/** What later operations of one plan may build on, in the words of `needsOf`. */
function givenBy(operation: Operation): readonly string[] {
  const membership = membershipOf(operation);
  if (membership?.change === 'leave') {
    const left = [`free ${membership.port.name}`];
    // Another tap may come into a bridge that somebody keeps a stranger's tap in; behind a second uplink never.
    return operation.scope === 'device' ? left : [...left, `clear ${membership.bridge.name}`];
  }
  if (membership !== null) {
    const joined = [`in ${membership.port.name}`];
    return operation.scope === 'device' ? joined : [...joined, `uplink of ${membership.bridge.name}`];
  }
  switch (operation.op) {
    case 'create-bridge':
    case 'create-subinterface':
    case 'create-vxlan':
      return [`there ${operation.device}`];
    case 'disable-ipv6':
      return [`quiet ${operation.device}`];
    case 'set-ipv6':
      return [`IPv6 ${operation.device}`];
    case 'set-up':
      return operation.scope === 'network' ? [`up ${operation.network}`] : [];
    default:
      return [];
  }
}

/**
 * A device has to be there; it has to be quiet before it comes into a bridge or up, so that no guest gives the host a
 * route; it comes up in its bridge; it has to be out of one bridge before it comes into another; an older uplink has to be out before anything
 * comes in, and the uplink has to be in before a tap comes; a bridge has to take IPv6 before addresses come to it; an uplink comes up only over an interface that is up.
 * A tap leaves a bridge all the same, wherever it goes from there: others may come into that bridge now.
 */
function needsOf(operation: Operation): readonly string[] {
  const refs = refsOf(operation);
  const there = refs.flatMap(({ name, index }) => (index === null ? [`there ${name}`] : []));
  const membership = membershipOf(operation);
  if (membership !== null) {
    if (membership.change === 'leave') return there;
    const { port, bridge } = membership;
    const joins = [...there, `quiet ${port.name}`, `free ${port.name}`, `clear ${bridge.name}`];
    if (operation.op === 'move-addresses') return [...joins, `IPv6 ${bridge.name}`];
    return operation.scope === 'device' ? [...joins, `uplink of ${bridge.name}`] : joins;
  }
  switch (operation.op) {
    case 'set-up': {
      const own = [...there, `quiet ${operation.device}`, `in ${operation.device}`];
      return operation.scope === 'network' ? [...own, `up ${operation.network}`] : own;
    }
    case 'delete-bridge':
      return [...there, `clear ${operation.device}`];
    case 'delete-subinterface':
    case 'delete-vxlan':
      return [...there, `free ${operation.device}`];
    default:
      return there;
  }
}

const refsOf = (operation: Operation): LinkRef[] => [
  ...('target' in operation ? [operation.target] : []),
  ...('bridge' in operation ? [operation.bridge] : []),
  ...('parent' in operation ? [operation.parent] : []),
  ...('from' in operation ? [operation.from, operation.to] : []),
];

const isTapLeaving = ({ op, scope }: Operation): boolean => op === 'detach' && scope === 'device';

/**
 * Notes what one pass has done. What it had to do several times counts once. A refused move of addresses is one that is
 * tried again and again as well: each time costs the frames that are under way. Other refusals cost nobody anything, and
 * what ends them is to be seen at once.
 */
export function noteOutcomes(
  repairs: Repairs,
  outcomes: readonly OperationOutcome[],
  nowMs: number,
): Repairs {
  const tried = outcomes.flatMap((outcome): Tried[] => {
    if (outcome.ok) return [{ operation: outcome.operation, refusal: null }];
    const { operation, failure } = outcome;
    const counts = operation.op === 'move-addresses' && failure.errno !== 'SKIPPED';
    return counts ? [{ operation, refusal: failure.message }] : [];
  });
  return noteRepairs(repairs, tried, nowMs);
}

interface Tried {
  readonly operation: Operation;
  readonly refusal: string | null;
}

function noteRepairs(repairs: Repairs, done: readonly Tried[], nowMs: number): Repairs {
  if (done.length === 0) return repairs;
  const noted = new Map<string, Repair>();
  for (const [key, repair] of repairs) if (isRecent(repair, nowMs)) noted.set(key, repair);
  const counted = new Set<string>();
  for (const { operation, refusal } of done) {
    const key = keyOf(operation);
    if (!counted.has(key))
      noted.set(key, { ...again(noted.get(key), nowMs, pauseMaxMs(operation)), refusal });
    counted.add(key);
    if (refusal !== null) continue;
    for (const taken of takenBackBy(operation, () => [...noted.keys()])) noted.delete(taken);
  }
  return noted;
}

/** Whether making it now would be making it again. One that is not is as good as forgotten. */
const isRecent = ({ lastMs, notBeforeMs }: Repair, nowMs: number): boolean =>
  nowMs < Math.max(lastMs, notBeforeMs) + WINDOW_MS;

const pauseMaxMs = (operation: Operation): number =>
  operation.op === 'move-addresses' && operation.membership === 'none' ? RENEWAL_PAUSE_MAX_MS : PAUSE_MAX_MS;

function again(before: Repair | undefined, nowMs: number, maxMs: number): Omit<Repair, 'refusal'> {
  const times = before !== undefined && isRecent(before, nowMs) ? before.times + 1 : 1;
  const pauseMs =
    times < PATIENCE ? 0 : Math.min(maxMs, FIRST_PAUSE_MS * 2 ** Math.min(times - PATIENCE, 10));
  return { times, lastMs: nowMs, notBeforeMs: pauseMs === 0 ? 0 : nowMs + pauseMs };
}
