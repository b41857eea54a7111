import {
  type Clock,
  type HostState,
  type Kernel,
  KernelError,
  type Link,
  type Operation,
  type OperationOutcome,
} from '../../src/model/index.js';
import type { SimulatedHost } from '../support/simulated/host.js';
import { simulateKernel } from '../support/simulated/kernel.js';
import type { Random } from './random.js';
import type { Weather } from './weather.js';

/** What the simulated kernel needs of the world, and whom it tells. */
export interface HostEdges {
  readonly clock: Clock;
  readonly random: Random;
  readonly weather: Weather;
  /** After each operation of the agent: the host before and after it. */
  readonly worked: (before: HostState, after: HostState) => void;
  /** What an operation of the agent came to. */
  readonly ended: (outcome: OperationOutcome) => void;
  /** The agent is to be killed here, in the middle of its work. */
  readonly kill: () => void;
}

/** The host with its links. It outlives the agent. */
export interface Host {
  now(): HostState;
  /** Somebody else does something. A refusal of the simulated kernel is thrown. */
  change(edit: (host: SimulatedHost) => void): void;
  /** The kernel as one agent sees it, as long as `isAlive`. */
  open(isAlive: () => boolean): Kernel;
  /** Called with each change that nobody was told of. */
  onLost(listener: (before: HostState, after: HostState) => void): void;
}

const LATE_MAX_MS = 4_000;

/** What tells the agent that something has changed: at most once until it looks again. */
interface Notices {
  watch(look: (() => void) | null): void;
  arm(): void;
  announce(): void;
}

function makeNotices({ clock, random, weather }: HostEdges): Notices {
  let look: (() => void) | null = null;
  let armed = false;
  return {
    watch: (callback) => {
      look = callback;
      armed = callback !== null;
    },
    arm: () => {
      armed = true;
    },
    announce: () => {
      if (!armed || weather.notifications === 'lost') return;
      armed = false;
      const told = look;
      const delayMs = random.between(0, weather.notifications === 'late' ? LATE_MAX_MS : 5);
      clock.after(delayMs, () => {
        if (told === look) told?.();
      });
    },
  };
}

export function makeHost(links: readonly Link[], edges: HostEdges): Host {
  const { random, weather } = edges;
  const notices = makeNotices(edges);
  let isAlive = (): boolean => false;
  let lost: (before: HostState, after: HostState) => void = () => {};
  let before: HostState | null = null;

  const now = (): HostState => {
    const last = simulated.states.at(-1);
    if (last === undefined) throw new RangeError('a simulated kernel has a state');
    return last;
  };
  const fault = (): string | null => {
    if (isAlive() && weather.killIn === 0) edges.kill();
    // Whatever a process that was killed had still in mind does not happen.
    if (!isAlive()) return 'ESRCH';
    if (weather.killIn !== null) weather.killIn -= 1;
    const trouble = weather.operations;
    before = now();
    return trouble !== null && random.chance(trouble.share) ? trouble.errno : null;
  };
  const between = (host: SimulatedHost): void => {
    if (before === null) return;
    const after = now();
    edges.worked(before, after);
    before = null;
    const { meddle } = weather;
    weather.meddle = null;
    meddle?.(host);
    notices.announce();
  };
  const simulated = simulateKernel(links, { fault, meddle: between });

  return {
    now,
    change: (edit) => {
      const old = now();
      simulated.change(edit);
      if (now() === old) return;
      if (weather.notifications === 'lost') lost(old, now());
      notices.announce();
    },
    onLost: (listener) => {
      lost = listener;
    },
    open: (alive) => {
      isAlive = alive;
      notices.watch(null);
      let seen = now();
      return {
        ...simulated,
        observe: () => {
          if (!alive()) return seen;
          if (!weather.kernelReadable) throw new KernelError('failed', 'the links cannot be read');
          notices.arm();
          seen = simulated.observe();
          return seen;
        },
        apply: (operations) => {
          if (!alive()) return operations.map(nobodysWork);
          const outcomes = simulated.apply(operations);
          if (alive()) outcomes.forEach(edges.ended);
          return outcomes;
        },
        watch: notices.watch,
      };
    },
  };
}

const nobodysWork = (operation: Operation): OperationOutcome => ({
  ok: false,
  operation,
  failure: { errno: 'ESRCH', message: 'the process is gone', worldChanged: false },
});
