import * as v from 'valibot';
import { makeWatermark } from '../../database/watermark.js';
import {
  type Answer,
  type Clock,
  isSame,
  type Seen,
  type Sign,
  type Store,
  type Watermark,
  type WentBack,
} from '../../model/index.js';
import type { Doubt, ServerTrust } from '../../reconcile/guard/trust.js';
import { type Shape, stateKind } from './foreign.js';

/** A heartbeat alone is written this seldom: one that is older on disk than in truth is still a lower bound. */
const HEARTBEAT_KEPT_MS = 5 * 60_000;

/** What outlives the process of the servers that have answered: which is believed, and the newest that they have shown. */
export interface ServerRecord {
  readonly watermark: Watermark;
  /** What was kept when the record was opened; null: nothing. */
  readonly trust: ServerTrust | null;
  keepTrust(trust: ServerTrust | null): void;
  /** Keeps the last heartbeat as well. */
  close(): void;
}

const WENT_BACK = { known: v.string(), shown: v.string() };
const DOUBT = v.variant('kind', [
  v.object({ kind: v.picklist(['other-server', 'replica']) }),
  v.object({ kind: v.literal('went-back'), ...WENT_BACK }),
]) satisfies Shape<Doubt>;

/** The form of the file. */
const SHAPE: Shape<{ readonly trust: ServerTrust | null; readonly seen: Seen }> = v.object({
  trust: v.nullable(v.object({ id: v.string(), believed: v.nullable(v.string()), doubt: v.nullable(DOUBT) })),
  seen: v.object({
    endpoint: v.nullable(v.string()),
    generation: v.nullable(v.string()),
    heartbeat: v.nullable(v.string()),
    wentBack: v.nullable(v.object({ ...WENT_BACK, server: v.optional(v.string(), '') })),
  }),
});

const SERVER = stateKind('server', SHAPE);

/** Reads the record in `store`. */
export function openServerRecord(store: Pick<Store, 'read' | 'keep'>, clock: Clock): ServerRecord {
  const stored = store.read(SERVER);
  const first = stored.kind === 'kept' ? stored.value : null;
  let trust = first?.trust ?? null;
  let keptMs = Number.NEGATIVE_INFINITY;
  const keep = (): void => {
    store.keep(SERVER, { trust, seen: watermark.seen() });
    keptMs = clock.monotonicMs();
  };
  const watermark = makeWatermark(first?.seen, (now, before) => {
    const isHeartbeatAlone = isSame({ ...now, heartbeat: null }, { ...before, heartbeat: null });
    if (isSame(now, before)) return;
    if (!isHeartbeatAlone || clock.monotonicMs() - keptMs >= HEARTBEAT_KEPT_MS) keep();
  });
  return {
    watermark,
    trust,
    keepTrust: (next) => {
      if (isSame(trust, next)) return;
      trust = next;
      keep();
    },
    close: () => {
      if (watermark.seen().heartbeat !== first?.seen.heartbeat) keep();
    },
  };
}

/** What speaks against the answer's server; heartbeats have a connection of their own, often to another one. */
export function signAgainst(watermark: Watermark, { server, behind }: Answer): WentBack | null {
  const { wentBack } = watermark.seen();
  return behind ?? (wentBack?.server === server ? wentBack : null);
}

/** An answer that was judged, and the sign that was there before it was asked for. */
export interface Judged {
  readonly trust: ServerTrust | null;
  readonly answer: Answer;
  readonly sign: Sign | null;
}

/** Keeps what has become of the trust, and only then lets go of what has spoken against it. */
export function settleServers(
  { watermark, keepTrust }: Pick<ServerRecord, 'watermark' | 'keepTrust'>,
  { trust, answer, sign }: Judged,
): void {
  keepTrust(trust);
  settleSign(watermark, answer, sign);
  if (trust?.doubt === null) restartFrom(watermark, answer);
}

/** After an answer was judged: a sign that was there before it was asked for has been heeded. */
function settleSign(watermark: Watermark, { server }: Answer, before: Sign | null): void {
  if (before?.server === server && watermark.seen().wentBack === before) watermark.note({ wentBack: null });
}

/** What is known begins again with an answer that is believed, however old it is. */
function restartFrom(watermark: Watermark, { behind }: Answer): void {
  if (behind !== null) watermark.note({ heartbeat: behind.shown });
}
