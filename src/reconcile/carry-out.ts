import type { Kernel, Operation, OperationOutcome, Warning } from '../model/index.js';
import type { Desired } from './decide/desired.js';
import type { DecidedTunnels } from './decide/tunnels.js';
import type { Ahead, Guarded } from './guard/pass-guard.js';
import { backOff, noteOutcomes } from './plan/repairs.js';
import type { Memory } from './remember/memory.js';

/** How often a pass plans again when the world changed under it. */
const ROUNDS_MAX = 3;

/** What the host should be, and the operations that lead there. */
export interface Decided {
  readonly desired: Desired;
  readonly tunnels: DecidedTunnels;
  readonly wanted: readonly Operation[];
}

/** What the host should be, after all operations were tried. */
export interface Carried extends Decided {
  readonly done: readonly OperationOutcome[];
  readonly failed: readonly Failure[];
  readonly pauses: readonly Warning[];
  readonly repairs: Memory['repairs'];
}

/** Nothing is changed. */
export const onlyPlanned = (kernel: Kernel, first: Decided, repairs: Memory['repairs']): Carried => ({
  ...first,
  wanted: withRoutes(kernel, first.wanted),
  done: [],
  failed: [],
  pauses: [],
  repairs,
});

/**
 * Applies, reads back, and plans again while the world changes under it, a bounded number of times. What is
 * still wanted at the end, although nothing failed, did not take effect: that is a failure too.
 */
export function carryOut(
  kernel: Kernel,
  first: Decided,
  decideAgain: (before: Decided) => Decided,
  { ahead, guarded }: { readonly ahead: Ahead; readonly guarded: Guarded },
  memory: Memory,
  nowMs: number,
): Carried {
  const done: OperationOutcome[] = [];
  const { repairs } = memory;
  let current = first;
  const { operations: initial, warnings: pauses } = backOff(first.wanted, repairs, nowMs);
  let operations = initial;
  let settled = operations.length === 0;
  const remembered = guarded.ahead(!settled);
  if (remembered !== null || operations.some(({ op }) => op === 'move-addresses')) ahead.begin();
  if (remembered !== null) ahead.keepGuard(remembered);
  for (let round = 1; !settled && round <= ROUNDS_MAX; round += 1) {
    const outcomes = kernel.apply(withRoutes(kernel, operations));
    done.push(...outcomes);
    current = decideAgain(current);
    operations = backOff(current.wanted, repairs, nowMs).operations;
    const more = guarded.ahead(operations.length > 0);
    if (more !== null) ahead.keepGuard(more);
    const failures = outcomes.filter((outcome): outcome is Failure => !outcome.ok);
    settled =
      operations.length === 0 ||
      (failures.length > 0 && !failures.some(({ failure }) => failure.worldChanged));
  }
  const refused = stillRefused(done, current.wanted);
  const ineffective = refused.length > 0 || done.length === 0 ? [] : operations.map(withoutEffect);
  return {
    ...current,
    done,
    failed: [...refused, ...ineffective],
    pauses,
    repairs: noteOutcomes(repairs, done, nowMs),
  };
}

/** Routes are read only here, where somebody moves them or is to see what would be moved. */
const withRoutes = (kernel: Kernel, operations: readonly Operation[]): Operation[] =>
  operations.map((operation) =>
    operation.op === 'move-addresses' && operation.from.index !== null
      ? { ...operation, routes: kernel.routesOver(operation.from.index) }
      : operation,
  );

const withoutEffect = (operation: Operation): Failure => ({
  ok: false,
  operation,
  failure: {
    errno: 'UNVERIFIED',
    message: 'the kernel accepted it, but it was not seen when the host was read back',
    worldChanged: true,
  },
});

export const succeeded = (outcomes: readonly OperationOutcome[]): Operation[] =>
  outcomes.flatMap((outcome) => (outcome.ok ? [outcome.operation] : []));

type Failure = Extract<OperationOutcome, { ok: false }>;

/**
 * A failure counts only when no later round carried the same operation out and it is still wanted: a tap that
 * went away under its operation has not failed.
 */
function stillRefused(outcomes: readonly OperationOutcome[], wanted: readonly Operation[]): Failure[] {
  const last = new Map(outcomes.map((outcome) => [nameOf(outcome.operation), outcome]));
  const names = new Set(wanted.map(nameOf));
  return [...last.values()].filter(
    (outcome): outcome is Failure => !outcome.ok && names.has(nameOf(outcome.operation)),
  );
}

/** One for each refusal, and one for each port that is not wired because of it. */
export function failureWarnings(failed: readonly Failure[]): Warning[] {
  const told = new Set<string>();
  return failed.flatMap(({ operation: { op, device, network, port }, failure }) => {
    const about = failure.errno === 'SKIPPED' ? port : device;
    if (about === undefined || told.has(about)) return [];
    told.add(about);
    // Of the links that the agent brings up a tunnel alone needs a port of its own.
    const isPortTaken = op === 'set-up' && failure.errno === 'EADDRINUSE';
    const code = isPortTaken ? 'VXLAN_PORT_TAKEN' : 'OPERATION_FAILED';
    const message = `${op} of ${device} failed: ${failure.message}`;
    const ids = { ...(network === null ? {} : { network }), ...(port === undefined ? {} : { port }) };
    return [{ code, message, device, ...ids }];
  });
}

const nameOf = ({ op, device }: Operation): string => `${op} ${device}`;
