import { KernelError, type OperationFailure, type OperationOutcome } from '../model/kernel.js';
import type { Operation } from '../model/operation.js';
import type { Host } from './host.js';
import { type Change, type ChangeOperation, changesOf, isChange } from './link-changes.js';
import {
  createBridge,
  createSubinterface,
  deleteBridge,
  deleteSubinterface,
  disableIpv6,
  setIpv6,
} from './link-operations.js';
import { TornRead } from './message.js';
import { moveAddresses } from './move-addresses.js';
import { expectDone, Refused } from './refused.js';

/** What came of the operations that were tried; null: it succeeded. */
type Results = Map<Operation, OperationFailure | null>;

/** Carries out operations in order; see `Kernel.apply`. */
export function applyOperations(
  host: Omit<Host, 'made'>,
  operations: readonly Operation[],
): OperationOutcome[] {
  const working: Host = { ...host, made: new Map() };
  const stopped = new Map<string, string>();
  const causeOf = (operation: Operation): string | undefined =>
    stopped.get(deviceKey(operation)) ?? stopped.get(networkKey(operation));
  const outcomeOf = (operation: Operation, results: Results): OperationOutcome => {
    const cause = causeOf(operation);
    const result = results.get(operation);
    const failure = result === undefined ? skipped(cause ?? '') : result;
    if (failure === null) return { ok: true, operation };
    const scope = operation.scope === 'network' ? networkKey(operation) : deviceKey(operation);
    if (!stopped.has(scope)) stopped.set(scope, cause ?? failure.message);
    return { ok: false, operation, failure };
  };
  return together(operations).flatMap((group) => {
    const results = attempt(
      working,
      group.filter((operation) => causeOf(operation) === undefined),
    );
    return group.map((operation) => outcomeOf(operation, results));
  });
}

const skipped = (cause: string): OperationFailure => ({
  errno: 'SKIPPED',
  message: `Not tried, because an operation before it failed: ${cause}`,
  worldChanged: false,
});

const deviceKey = ({ device }: Operation): string => `device ${device}`;
/** Without a network there is nothing beyond the device to stop. */
const networkKey = (operation: Operation): string =>
  operation.network === null ? deviceKey(operation) : `network ${operation.network}`;

/**
 * Operations in groups that one netlink exchange carries out: changes of the same device that follow one another. An
 * `attach` begins a group, since it looks at what a `detach` before it changes.
 */
function together(operations: readonly Operation[]): Operation[][] {
  const groups: Operation[][] = [];
  let last: Operation | null = null;
  for (const operation of operations) {
    const joins =
      last !== null &&
      isChange(last) &&
      isChange(operation) &&
      operation.op !== 'attach' &&
      operation.device === last.device;
    if (joins) groups.at(-1)?.push(operation);
    else groups.push([operation]);
    last = operation;
  }
  return groups;
}

/** Carries out one group. What follows a refused operation is not tried; what was sent with it has its own answer. */
function attempt(host: Host, group: readonly Operation[]): Results {
  const results: Results = new Map();
  const ready: { readonly operation: ChangeOperation; readonly changes: readonly Change[] }[] = [];
  for (const operation of group) {
    const failure = failureOf(() => {
      if (ready.length === 0) host.catchUp();
      if (isChange(operation)) ready.push({ operation, changes: changesOf(host, operation) });
      else carryOut(host, operation);
    });
    if (!isChange(operation) || failure !== null) results.set(operation, failure);
    if (failure !== null) break;
  }
  return ready.length === 0 ? results : send(host, ready, results);
}

/** Adds to `results` what the kernel answers. */
function send(
  { requests }: Host,
  ready: readonly { readonly operation: ChangeOperation; readonly changes: readonly Change[] }[],
  results: Results,
): Results {
  let answers: ReturnType<typeof requests.exchange> = [];
  const lost = failureOf(() => {
    answers = requests.exchange(ready.flatMap(({ changes }) => changes.map(({ request }) => request)));
  });
  let at = 0;
  for (const { operation, changes } of ready) {
    const own = answers.slice(at, at + changes.length);
    at += changes.length;
    const check = (): void => changes.forEach(({ what }, position) => void expectDone(own[position], what));
    results.set(operation, changes.length === 0 ? null : (lost ?? failureOf(check)));
  }
  return results;
}

/** Why `work` failed; null when it did not. Throws what is no failure of the kernel. */
function failureOf(work: () => void): OperationFailure | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.failure;
    // The kernel's answer was lost or made no sense: whether it did what was asked shows in the next reading.
    if (error instanceof KernelError || error instanceof TornRead) {
      return { errno: 'EIO', message: error.message, worldChanged: true };
    }
    throw error;
  }
}

function carryOut(host: Host, operation: Exclude<Operation, ChangeOperation>): void {
  switch (operation.op) {
    case 'create-bridge':
      createBridge(host, operation);
      break;
    case 'create-subinterface':
      createSubinterface(host, operation);
      break;
    case 'disable-ipv6':
      disableIpv6(host, operation);
      break;
    case 'set-ipv6':
      setIpv6(host, operation);
      break;
    case 'move-addresses':
      moveAddresses(host, operation);
      break;
    case 'delete-bridge':
      deleteBridge(host, operation);
      break;
    case 'delete-subinterface':
      deleteSubinterface(host, operation);
      break;
  }
}
