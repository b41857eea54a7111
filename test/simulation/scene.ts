import type { Agent } from '../../src/agent/agent.js';
import type { Link } from '../../src/model/index.js';
import { type SimulatedHost, SimulatedRefusal } from '../support/simulated/host.js';
import type { SimulatedClock } from './clock.js';
import type { Cloud } from './cloud.js';
import type { Host } from './host.js';
import { isTapName } from './knowledge.js';
import type { Oracle } from './oracle.js';
import type { Random } from './random.js';
import type { Stage } from './stage.js';
import type { Weather } from './weather.js';

/** Everything that happenings work on. */
export interface Scene {
  readonly clock: SimulatedClock;
  readonly cloud: Cloud;
  readonly host: Host;
  readonly weather: Weather;
  readonly stage: Stage;
  readonly oracle: Oracle;
  /** null: no agent runs at the moment. */
  agent(): Agent | null;
  /** The agent ends at once, as by SIGKILL; it is started again after a while. */
  kill(): void;
  /** The agent ends in order; it is started again after a while. */
  stop(): void;
  /** Adds a line to the trace. */
  note(text: () => string): void;
}

/** Something of the world changes. Gives what, in one clause; null: there was nothing to change. */
export type Happen = (scene: Scene, random: Random) => string | null;

/** How often a kind of happening comes, against the others. */
export interface Kind {
  readonly weight: number;
  readonly happen: Happen;
}

/** Somebody else changes the host; what the kernel refuses does not happen. */
export function onHost({ host }: Pick<Scene, 'host'>, edit: (host: SimulatedHost) => void): void {
  host.change((links) => unlessRefused(() => edit(links)));
}

export function unlessRefused(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SimulatedRefusal)) throw error;
  }
}

/** Later on, and in the trace then. */
export function later(scene: Scene, delayMs: number, what: string, work: () => void): void {
  scene.clock.after(delayMs, () => {
    scene.note(() => what);
    work();
  });
}

export const linksNow = ({ host }: Scene): Link[] => [...host.now().links.values()];

/** Taps of guests; `vnet7` and `tun0` are nobody's. */
export const tapsNow = (scene: Scene): Link[] => linksNow(scene).filter(({ name }) => isTapName(name));

export const ownBridges = (scene: Scene): Link[] =>
  linksNow(scene).filter(({ name, detail }) => detail.kind === 'bridge' && name.startsWith('brq'));
