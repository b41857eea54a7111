import * as v from 'valibot';
import {
  type Answer,
  ifIndex,
  isSame,
  type LinkName,
  type Network,
  type NetworkId,
  type Port,
  type Stored,
} from '../../model/index.js';
import type { InPlace } from '../../reconcile/decide/desired.js';
import type { Memory } from '../../reconcile/remember/memory.js';
import { type Shape, stateKind } from './foreign.js';
import {
  FORWARDING,
  isKeptAlike,
  type KeptForwarding,
  keptForwarding,
  recalledForwarding,
} from './kept-forwarding.js';
import { LINK_NAME, NETWORK, NETWORK_ID, PORT, SEGMENT } from './shapes.js';

/** What is kept: enough to wire this host's taps while no database answers. */
export interface LastKnownGood {
  readonly generation: string;
  /** By tap name: the ports that were known when it was written. */
  readonly ports: readonly (readonly [LinkName, Port])[];
  readonly networks: readonly Network[];
  /** By what each network was last served. */
  readonly inPlace: readonly (readonly [NetworkId, InPlace])[];
  readonly forwarding: KeptForwarding | null;
}

const IN_PLACE: Shape<InPlace> = v.object({
  segment: SEGMENT,
  carrier: v.pipe(v.number(), v.integer(), v.transform(ifIndex)),
});

const SHAPE: Shape<LastKnownGood> = v.object({
  generation: v.string(),
  ports: v.array(v.tuple([LINK_NAME, PORT])),
  networks: v.array(NETWORK),
  inPlace: v.optional(v.array(v.tuple([NETWORK_ID, IN_PLACE])), []),
  forwarding: v.optional(FORWARDING, null),
});

export const LAST_KNOWN_GOOD = stateKind('last-known-good', SHAPE);

/** The kept form of what is known after a good answer. */
export const lastKnownGoodOf = (memory: Memory, { generation }: Answer): LastKnownGood => ({
  generation,
  ports: [...memory.known],
  networks: [...memory.networks.values()],
  inPlace: [...memory.inPlace],
  forwarding: keptForwarding(memory.forwarding),
});

/**
 * True when something that wiring depends on differs between two memories: only then is it written. A status is not
 * looked at; it changes often and wires nothing.
 */
export function differs(before: Memory, after: Memory): boolean {
  if (before === after) return false;
  if (before.known.size !== after.known.size || before.networks.size !== after.networks.size) return true;
  for (const [name, port] of after.known) {
    const old = before.known.get(name);
    if (old === undefined || !samePort(old, port)) return true;
  }
  for (const [id, network] of after.networks) {
    const old = before.networks.get(id);
    if (old === undefined || !sameNetwork(old, network)) return true;
  }
  return (
    !isSame([...before.inPlace], [...after.inPlace]) || !isKeptAlike(before.forwarding, after.forwarding)
  );
}

const samePort = (a: Port, b: Port): boolean =>
  a === b ||
  (a.id === b.id &&
    a.networkId === b.networkId &&
    a.adminUp === b.adminUp &&
    a.pluggedByHypervisor === b.pluggedByHypervisor &&
    a.filterExpected === b.filterExpected &&
    JSON.stringify(a.binding) === JSON.stringify(b.binding) &&
    JSON.stringify(a.segment) === JSON.stringify(b.segment));

const sameNetwork = (a: Network, b: Network): boolean =>
  a === b ||
  (a.rowPresent === b.rowPresent &&
    a.mtu === b.mtu &&
    JSON.stringify(a.segments) === JSON.stringify(b.segments));

/** What the file gives: a memory to wire from, or one sentence about why there is none. */
export type Recovered =
  | { readonly kind: 'recovered'; readonly memory: Memory; readonly ports: number; readonly ageMs: number }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'none' };

/** Takes the kept ports and networks into an empty memory; refuses what is older than `maxAgeMs`. */
export function recover(
  memory: Memory,
  stored: Stored<LastKnownGood>,
  maxAgeMs: number,
  nowMs: number,
): Recovered {
  if (stored.kind !== 'kept') return stored;
  if (stored.ageMs > maxAgeMs) {
    const hours = (ms: number): string => `${Math.round(ms / 360_000) / 10} h`;
    return {
      kind: 'refused',
      why: `the last known good answer is ${hours(stored.ageMs)} old, more than last_known_good_max_age (${hours(maxAgeMs)})`,
    };
  }
  const kept = stored.value;
  const known = new Map<LinkName, Port>(kept.ports);
  const away = new Map([...known.keys()].map((name) => [name, { sinceMs: nowMs, owesDown: false }]));
  const networks = new Map<NetworkId, Network>(kept.networks.map((network) => [network.id, network]));
  return {
    kind: 'recovered',
    memory: { ...memory, known, away, networks, forwarding: recalledForwarding(kept.forwarding) },
    ports: known.size,
    ageMs: stored.ageMs,
  };
}

/**
 * What a start takes over from the agent before it: by what each network was served, of this boot, and the ports
 * whose taps are not here any more, so that a tap that went away while no agent ran still gets its status written.
 * Nothing is wired from these.
 */
export function recallRunBefore(
  memory: Memory,
  stored: Stored<LastKnownGood>,
  here: ReadonlySet<LinkName>,
  retentionMs: number,
  nowMs: number,
): Memory {
  if (stored.kind !== 'kept') return memory;
  const inPlace = new Map(stored.isOfThisBoot ? stored.value.inPlace : []);
  if (stored.ageMs >= retentionMs) return { ...memory, inPlace };
  const known = new Map(memory.known);
  const away = new Map(memory.away);
  for (const [name, port] of stored.value.ports) {
    if (here.has(name) || known.has(name)) continue;
    known.set(name, port);
    away.set(name, { sinceMs: nowMs - stored.ageMs, owesDown: true });
  }
  return { ...memory, known, away, inPlace };
}
