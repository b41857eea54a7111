import * as v from 'valibot';
import { type ForwardingAnswer, isSame } from '../../model/index.js';
import type { Shape } from './foreign.js';
import { NETWORK_ID } from './shapes.js';

/** Of the lists alone: a version that this one does not know costs the lists, and not the ports beside them. */
const VERSION = 1;

const ENDPOINT = v.variant('kind', [
  v.object({ kind: v.literal('address'), address: v.pipe(v.string(), v.ip()) }),
  v.object({ kind: v.literal('unknown'), problem: v.string() }),
]);

const KEPT = v.object({
  version: v.literal(VERSION),
  tunnels: v.array(v.object({ segment: v.string(), network: NETWORK_ID, vni: v.number() })),
  /** By segment. */
  hosts: v.array(v.tuple([v.string(), v.array(v.string())])),
  /** By host. */
  endpoints: v.array(v.tuple([v.string(), ENDPOINT])),
});

export type KeptForwarding = v.InferOutput<typeof KEPT>;

/** null also where what is kept cannot be read. */
export const FORWARDING: Shape<KeptForwarding | null> = v.fallback(v.nullable(KEPT), null);

/** Who is behind the tunnels of this host, so that one that boots without the database reaches them. */
export const keptForwarding = (answer: ForwardingAnswer | null): KeptForwarding | null =>
  answer === null
    ? null
    : {
        version: VERSION,
        tunnels: [...answer.tunnels],
        hosts: [...answer.hosts].map(([segment, hosts]) => [segment, [...hosts]]),
        endpoints: [...answer.endpoints],
      };

/** Whose VNIs are whose is only ever asked anew. */
export const recalledForwarding = (kept: KeptForwarding | null): ForwardingAnswer | null =>
  kept === null
    ? null
    : {
        tunnels: kept.tunnels,
        hosts: new Map(kept.hosts),
        endpoints: new Map(kept.endpoints),
        vnis: new Map(),
      };

export const isKeptAlike = (before: ForwardingAnswer | null, now: ForwardingAnswer | null): boolean =>
  before === now || isSame(keptForwarding(before), keptForwarding(now));
