import { FAULT_HAPPENINGS } from './happenings-faults.js';
import { HARM_HAPPENINGS } from './happenings-harm.js';
import { HOST_HAPPENINGS } from './happenings-host.js';
import { ROW_HAPPENINGS } from './happenings-rows.js';
import { makeRandom, mixed } from './random.js';
import type { Kind } from './scene.js';

/** Something that happens to the world. It has a seed of its own: leaving out another one does not change it. */
export interface Happening {
  readonly atMs: number;
  readonly kind: string;
  readonly seed: number;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  ...ROW_HAPPENINGS,
  ...HOST_HAPPENINGS,
  ...FAULT_HAPPENINGS,
  ...HARM_HAPPENINGS,
};

const WEIGHTS = Object.entries(KINDS).map(([kind, { weight }]) => ({ kind, weight }));
const WEIGHT = WEIGHTS.reduce((sum, { weight }) => sum + weight, 0);

/** How long things happen, in polls; afterwards the world is left alone. */
const POLLS = 25;

/** What happens to one seed's world: first a few networks and ports, then anything. */
export function scriptOf(seed: number, pollingIntervalMs: number, startMs: number): Happening[] {
  const random = makeRandom(mixed(seed, 1));
  const spanMs = Math.min(POLLS * pollingIntervalMs, 1_800_000);
  const networks = random.between(2, 5);
  const ports = random.between(0, 12);
  const early = [
    ...Array.from({ length: networks }, () => 'network-created'),
    ...Array.from({ length: ports }, () => 'boot'),
  ].map((kind) => ({ kind, atMs: startMs }));
  const rest = Array.from({ length: random.between(10, 70) }, () => ({
    kind: anyKind(random.next() * WEIGHT),
    atMs: startMs + random.between(0, spanMs),
  })).sort((a, b) => a.atMs - b.atMs);
  return [...early, ...rest].map((one, at) => ({ ...one, seed: mixed(seed, 1_000 + at) }));
}

function anyKind(at: number): string {
  let left = at;
  const found = WEIGHTS.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  return (found ?? { kind: 'boot' }).kind;
}
