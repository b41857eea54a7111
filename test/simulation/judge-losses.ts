import type { HostSettings, HostState, IfIndex } from '../../src/model/index.js';
import type { Telling } from './database.js';
import { isAskedFor, type Loss } from './judge-operation.js';
import { isPlugged, isTapName } from './knowledge.js';
import { silentInAgentBridges, tapsWithoutNetwork } from './silence.js';
import type { TrustEdges } from './trust.js';

/**
 * How many wires the host has lost without anybody's word, over the whole run and over every life of the agent; and which
 * wires were once part of a loss that was too large to be believed.
 */
export interface Ledger {
  /** A pass is about to work from an answer; `isBelieved`: about missing rows, too. */
  tells(telling: Telling, isBelieved: boolean): void;
  /** A pass has worked from the last answer. */
  passEnds(): void;
  /** What one operation took away; gives what is wrong with that. */
  loses(losses: readonly Loss[]): string[];
  /** An operator's word: what is lost in this pass is not counted. */
  accept(): void;
  /** Whether what the guard remembers could be kept. */
  kept(isWritten: boolean): void;
  agentStarted(): void;
}

const WINDOW_MS = 600_000;

const NOBODY: { readonly taps: readonly IfIndex[]; readonly tooMany: readonly IfIndex[] } = {
  taps: [],
  tooMany: [],
};

/**
 * An answer says nothing of a tap that was not asked for, since its name had no row a moment before. `before`: what is asked
 * for because its network is gone is asked for no less when its own row is missing, too.
 */
const missing = (
  telling: Telling,
  state: HostState,
  host: HostSettings,
): Record<'taps' | 'before', IfIndex[]> => ({
  taps: silentInAgentBridges(telling, state, host)
    .filter((tap) => isAskedFor(telling, tap.name))
    .map(({ index }) => index),
  before: tapsWithoutNetwork(telling, state, host).map(({ index }) => index),
});

const wiredTaps = (state: HostState, settings: HostSettings): number =>
  [...state.links.values()].filter((link) => isTapName(link.name) && isPlugged(state, link, settings)).length;

export function makeLedger({ settings, now, nowMs }: TrustEdges): Ledger {
  let lost = new Map<IfIndex, number>();
  let counts: { readonly atMs: number; readonly wired: number }[] = [];
  let tooMany = new Set<IfIndex>();
  /** Since when each wired tap has had no row, of those that have none. */
  let silentSince = new Map<IfIndex, number>();
  let silentNow = NOBODY;
  let isAccepted = false;
  let isKept = true;
  const count = (): void => void counts.push({ atMs: nowMs(), wired: wiredTaps(now(), settings().host) });
  /** A count holds until the next one. */
  const mostWired = (): number => {
    counts = counts.filter((_, at) => {
      const next = counts[at + 1];
      return next === undefined || nowMs() - next.atMs < WINDOW_MS;
    });
    return Math.max(...counts.map(({ wired }) => wired), 0);
  };
  const free = (): number => settings().guard.maxRemovals ?? Math.max(1, Math.floor(mostWired() / 5));
  return {
    tells: (telling, isBelieved) => {
      const { taps, before } = missing(telling, now(), settings().host);
      count();
      silentSince = new Map([...taps, ...before].map((tap) => [tap, silentSince.get(tap) ?? nowMs()]));
      const fresh = taps.filter((tap) => nowMs() - (silentSince.get(tap) ?? 0) < WINDOW_MS);
      silentNow = { taps, tooMany: isBelieved && fresh.length > free() ? fresh : [] };
    },
    passEnds: () => {
      count();
      const added = new Set(isAccepted ? [] : silentNow.tooMany);
      const wired = silentNow.taps.filter((tap) => now().links.get(tap)?.master !== null);
      tooMany = new Set(wired.filter((tap) => tooMany.has(tap) || added.has(tap)));
      isAccepted = false;
    },
    loses: (losses) => {
      if (isAccepted || settings().guard.release === 'auto') return [];
      const taps = losses.flatMap((loss) => loss.taps);
      for (const tap of taps) lost.set(tap, nowMs());
      lost = new Map([...lost].filter(([tap, atMs]) => now().links.has(tap) && nowMs() - atMs < WINDOW_MS));
      const cut = losses
        .flatMap((loss) => (loss.byMissingRow ? loss.taps : []))
        .filter((tap) => tooMany.has(tap));
      return [
        ...(taps.length > 0 && lost.size > free()
          ? [`within ten minutes ${lost.size} taps lost their wire, of ${mostWired()}; ${free()} are free`]
          : []),
        ...cut.map((tap) => `tap ${tap} lost its wire, whose row has been missing since too many were`),
      ];
    },
    accept: () => {
      isAccepted = true;
    },
    kept: (isWritten) => {
      isKept = isWritten;
      // The operator's word has reached the disk: an agent that is killed over it leaves the rest to the next one.
      if (isWritten && isAccepted) tooMany = new Set();
    },
    agentStarted: () => {
      isAccepted = false;
      // A pass that was cut short may have noted already that the rows are there again.
      tooMany = new Set([...tooMany].filter((tap) => silentNow.taps.includes(tap)));
      if (isKept) return;
      // A full disk: the next agent knows nothing of the one before.
      lost = new Map();
      tooMany = new Set();
      isKept = true;
    },
  };
}
