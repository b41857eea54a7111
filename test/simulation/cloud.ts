import type { Clock, Network, NetworkId, Port, PortId } from '../../src/model/index.js';

/** The rows of the shared database at one moment. */
export interface Rows {
  readonly ports: ReadonlyMap<PortId, Port>;
  readonly networks: ReadonlyMap<NetworkId, Network>;
  /** Ports whose rows cannot be understood. */
  readonly bad: ReadonlySet<PortId>;
  /** Of the agent, on a second of the simulated clock; 0: it has written none. */
  readonly heartbeatMs: number;
}

/** Rows that somebody is writing. */
export interface DraftRows {
  readonly ports: Map<PortId, Port>;
  readonly networks: Map<NetworkId, Network>;
  readonly bad: Set<PortId>;
  heartbeatMs: number;
}

export const GENERATIONS = ['folsom', 'grizzly', 'ml2'] as const;
export type Generation = (typeof GENERATIONS)[number];

/** The shared database as it really is, and as it has been. */
export interface Cloud {
  readonly generation: Generation;
  readonly hasHosts: boolean;
  rows(): Rows;
  /** As they were at that time. */
  rowsAt(atMs: number): Rows;
  change(edit: (rows: DraftRows) => void): void;
  /** Identity of the server that is the primary one now. */
  server(): string;
  /** Another server becomes the primary one; what was written within the last `lossMs` is lost. */
  failOver(lossMs: number): void;
  /** The server that there is has everything again as it was `lossMs` ago: a dump was restored. */
  goBack(lossMs: number): void;
}

const HISTORY_MAX = 400;

export function makeCloud(generation: Generation, clock: Clock): Cloud {
  const history: { readonly sinceMs: number; readonly rows: Rows }[] = [
    { sinceMs: 0, rows: { ports: new Map(), networks: new Map(), bad: new Set(), heartbeatMs: 0 } },
  ];
  let serverNumber = 1;
  const rowsAt = (atMs: number): Rows => {
    const entry = history.findLast(({ sinceMs }) => sinceMs <= atMs) ?? history[0];
    if (entry === undefined) throw new RangeError('the history has a beginning');
    return entry.rows;
  };
  const rows = (): Rows => rowsAt(Number.POSITIVE_INFINITY);
  const goBack = (lossMs: number): void => append(rowsAt(clock.monotonicMs() - lossMs));
  const append = (next: Rows): void => {
    history.push({ sinceMs: clock.monotonicMs(), rows: next });
    if (history.length > HISTORY_MAX) history.shift();
  };
  return {
    generation,
    hasHosts: generation !== 'folsom',
    rows,
    rowsAt,
    change: (edit) => {
      const { ports, networks, bad, heartbeatMs } = rows();
      const draft = {
        ports: new Map(ports),
        networks: new Map(networks),
        bad: new Set(bad),
        heartbeatMs,
      };
      edit(draft);
      append(draft);
    },
    server: () => `server-${serverNumber}`,
    failOver: (lossMs) => {
      serverNumber += 1;
      goBack(lossMs);
    },
    goBack,
  };
}
