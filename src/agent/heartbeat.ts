import {
  type AgentEvent,
  type Clock,
  DatabaseError,
  type HeartbeatWriter,
  type Observer,
  type SelfReport,
  type SelfSeen,
  type Settings,
} from '../model/index.js';

/** How soon a beat that failed is tried once more; a server waits longer than that before it takes an agent for dead. */
const RETRY_MS = 4_000;
/** How often the agent beats until a server has told how often it wants a heartbeat. */
const FIRST_INTERVAL_MS = 30_000;
/** A single failed beat may be the first to meet an outage, which the next poll tells. */
const FAILURES_TOLD_FROM = 2;

export interface HeartEdges {
  readonly openHeartbeats: (settings: Settings) => HeartbeatWriter;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly seen: () => SelfSeen;
  /** Told of a fault of this program; the next beat comes at its time. */
  readonly onFault: (thrown: unknown) => void;
}

/** The heartbeat of the running agent. It listens to the agent's events; nothing of the agent waits for it. */
export interface Heart {
  note(event: AgentEvent): void;
  /** Reports by these settings from now on. */
  reload(settings: Settings): void;
  stop(): Promise<void>;
}

/**
 * Beats on a timer of its own from the first good answer on, and not while the database is lost: an agent that cannot
 * read what to wire does not call itself alive. That it fails again and again is told once, and once more when it is over.
 */
export function startHeart(edges: HeartEdges, first: Settings): Heart {
  const { clock, observer } = edges;
  const startedMs = clock.monotonicMs();
  let settings = first;
  let writer = edges.openHeartbeats(settings);
  let state: 'waiting' | 'beating' | 'stopped' = 'waiting';
  let isLost = false;
  let failures = 0;
  let intervalMs = FIRST_INTERVAL_MS;
  let cancelTimer = (): void => {};

  const arm = (delayMs: number): void => {
    cancelTimer();
    cancelTimer = clock.after(delayMs, () => void beat());
  };
  /** With the writer of the moment: what a reload has cut is neither told nor repeated. */
  const beat = async (): Promise<void> => {
    const used = writer;
    const beganMs = clock.monotonicMs();
    if (!isLost) {
      const failure = await attempt(used);
      if (used !== writer || isStopped()) return;
      if (failure !== 'fault') tell(failure);
    }
    const pauseMs = failures === 1 ? RETRY_MS : intervalMs;
    arm(beganMs + pauseMs - clock.monotonicMs());
  };
  const tell = (failure: DatabaseError | null): void => {
    if (failure === null && failures >= FAILURES_TOLD_FROM) observer({ kind: 'heartbeat-back' });
    failures = failure === null ? 0 : failures + 1;
    if (failure !== null && failures === FAILURES_TOLD_FROM)
      observer({ kind: 'heartbeat-failed', error: failure.message });
  };
  const attempt = async (used: HeartbeatWriter): Promise<DatabaseError | 'fault' | null> => {
    const upForMs = clock.monotonicMs() - startedMs;
    try {
      intervalMs = await used.beat({ upForMs, ...edges.seen(), ...mappingsOf(settings) });
      return null;
    } catch (error) {
      if (error instanceof DatabaseError) return error;
      edges.onFault(error);
      return 'fault';
    }
  };
  const isStopped = (): boolean => state === 'stopped';

  return {
    note: (event) => {
      if (event.kind === 'database-lost') isLost = true;
      if (event.kind !== 'pass' || event.report.generation === null) return;
      isLost = false;
      if (state !== 'waiting') return;
      state = 'beating';
      arm(0);
    },
    reload: (next) => {
      settings = next;
      const old = writer;
      writer = edges.openHeartbeats(settings);
      void old.close();
      if (state === 'beating') arm(0);
    },
    stop: () => {
      state = 'stopped';
      cancelTimer();
      return writer.close();
    },
  };
}

/** The one beat of a process that ends at once: it has only begun. Throws DatabaseError. */
export async function beatOnce(writer: HeartbeatWriter, settings: Settings, seen: SelfSeen): Promise<void> {
  await writer.beat({ upForMs: 0, ...seen, ...mappingsOf(settings) });
}

const mappingsOf = ({ host }: Settings): Pick<SelfReport, 'interfaceMappings' | 'bridgeMappings'> => ({
  interfaceMappings: host.physicalInterfaces,
  bridgeMappings: host.bridgeMappings,
});
