import { isDeepStrictEqual } from 'node:util';
import type {
  HostState,
  IfIndex,
  Kernel,
  Link,
  LinkChanges,
  LinkName,
  Operation,
  OperationOutcome,
} from '../../../src/model/index.js';
import { makeSimulatedHost, routesOn, type SimulatedHost, SimulatedRefusal } from './host.js';
import { carryOut } from './operations.js';

/** Thrown out of `apply` when the agent is killed there; what was done before stays done. */
export class SimulatedKill extends Error {}

export interface SimulatedKernelOptions {
  /** false: this kernel has no VLAN filtering for bridges. */
  readonly vlanFiltering?: boolean;
  /** false: this kernel has no 8021q. */
  readonly vlans?: boolean;
  /** false: this kernel has no nftables for bridges. */
  readonly tapFilter?: boolean;
  /** Called before each operation; an errno makes it fail. `count` is how many came before it. */
  readonly fault?: (operation: Operation, count: number) => string | null;
  /** The agent is killed after this many operations. */
  readonly killAfter?: number;
  /** Called after each operation: somebody else on the host does something. */
  readonly meddle?: (host: SimulatedHost, count: number) => void;
}

/** A kernel in memory with the real one's manners, that remembers every state it has been in. */
export interface SimulatedKernel extends Kernel {
  /** The state at first, then the state after each operation, in order. */
  readonly states: readonly HostState[];
  /** What it said no to, other than by an injected fault. */
  readonly refusals: readonly string[];
  /** What somebody else does to the host between two passes. */
  change(edit: (host: SimulatedHost) => void): void;
}

/** Errors that say that the host is not as it was when the plan was made, as the real kernel's reader has them. */
const WORLD_CHANGED = new Set(['EEXIST', 'EBUSY', 'ENODEV']);

export function simulateKernel(links: Iterable<Link>, options: SimulatedKernelOptions = {}): SimulatedKernel {
  const host = makeSimulatedHost(links, options);
  let last: HostState = snapshot(host, null, null);
  let observed: HostState | null = null;
  const states: HostState[] = [last];
  const refusals: string[] = [];
  let count = 0;
  let look: (() => void) | null = null;
  let armed = false;

  const note = (): HostState => {
    last = snapshot(host, last, observed);
    if (states.at(-1) !== last) states.push(last);
    return last;
  };
  const attempt = (operation: Operation): string | null => {
    if (options.killAfter !== undefined && count >= options.killAfter) throw new SimulatedKill();
    const errno = options.fault?.(operation, count) ?? null;
    count += 1;
    try {
      if (errno === null) carryOut(host, operation);
      return errno;
    } catch (error) {
      if (!(error instanceof SimulatedRefusal)) throw error;
      refusals.push(`${operation.op} ${operation.device}: ${error.errno}`);
      return error.errno;
    } finally {
      note();
      options.meddle?.(host, count);
      note();
    }
  };
  return {
    states,
    refusals,
    observe: () => {
      armed = true;
      observed = note();
      return observed;
    },
    routesOver: (index) => {
      const link = host.get(index);
      return link === undefined ? [] : routesOn(link);
    },
    invalidate: () => {},
    askAgain: () => {},
    apply: (operations) => {
      host.made.clear();
      return applyInOrder(operations, attempt);
    },
    watch: (callback) => {
      look = callback;
      armed = true;
    },
    close: async () => {},
    change: (edit) => {
      const before = last;
      edit(host);
      if (note() === before || !armed) return;
      armed = false;
      look?.();
    },
  };
}

/** A failure of scope `network` stops the later operations of that network, one of scope `device` those of the device. */
function applyInOrder(
  operations: readonly Operation[],
  attempt: (operation: Operation) => string | null,
): OperationOutcome[] {
  const stopped = new Set<string>();
  return operations.map((operation) => {
    const isSkipped = stopped.has(deviceKey(operation)) || stopped.has(networkKey(operation));
    const errno = isSkipped ? 'SKIPPED' : attempt(operation);
    if (errno === null) return { ok: true, operation };
    stopped.add(operation.scope === 'network' ? networkKey(operation) : deviceKey(operation));
    const message = `${operation.op} of ${operation.device}: ${errno}`;
    return { ok: false, operation, failure: { errno, message, worldChanged: WORLD_CHANGED.has(errno) } };
  });
}

const deviceKey = ({ device }: Operation): string => `device ${device}`;
const networkKey = (operation: Operation): string =>
  operation.network === null ? deviceKey(operation) : `network ${operation.network}`;

/** Equal content is the same state, and an equal link the same link, as with the real reader; `observed`: the state that was read last. */
function snapshot(host: SimulatedHost, before: HostState | null, observed: HostState | null): HostState {
  const same = (link: Link): Link => {
    const old = before?.links.get(link.index);
    return old !== undefined && isDeepStrictEqual(old, link) ? old : link;
  };
  const links = new Map<IfIndex, Link>(host.all().map((link) => [link.index, same(link)]));
  const { tapFilter } = host;
  const isForwardingSame = before !== null && isDeepStrictEqual(before.forwarding, host.entries);
  const forwarding = isForwardingSame ? before.forwarding : new Map(host.entries);
  const isSameOtherwise = before?.tapFilter === tapFilter && before.forwarding === forwarding;
  if (isSameOtherwise && isDeepStrictEqual(before.links, links)) return before;
  const byName = new Map<LinkName, Link>([...links.values()].map((link) => [link.name, link]));
  const changes = observed === null ? null : changesSince(observed, links);
  return { version: (before?.version ?? 0) + 1, links, byName, tapFilter, forwarding, changes };
}

function changesSince({ version, links }: HostState, now: HostState['links']): LinkChanges {
  const all = [...new Set([...links.keys(), ...now.keys()])];
  return { since: version, indexes: new Set(all.filter((index) => links.get(index) !== now.get(index))) };
}
