import { heed } from '../../src/database/watermark.js';
import { type Clock, DatabaseError, type HeartbeatWriter, type Watermark } from '../../src/model/index.js';
import type { Cloud } from './cloud.js';
import type { DatabaseWeather } from './weather.js';

/** What the simulated heartbeats need of the world, and whom they tell. */
export interface HeartEdges {
  readonly clock: Clock;
  readonly cloud: Cloud;
  readonly weather: () => DatabaseWeather;
  readonly intervalMs: number;
  /** Right before the heartbeat of that time is written over there; 0: there is none. */
  readonly beats: (heartbeatMs: number, server: string) => void;
}

const NOTHING_TO_WRITE_MS = 300_000;

/** How the row of an agent tells a time; null: no heartbeat has been written. */
export const heartbeatText = (heartbeatMs: number): string | null =>
  heartbeatMs === 0 ? null : new Date(heartbeatMs).toISOString().slice(0, 19).replace('T', ' ');

/** Heartbeats into the simulated cloud, on the second as a database has them. */
export function openSimulatedHeartbeats(
  { clock, cloud, weather, intervalMs, beats }: HeartEdges,
  watermark: Watermark,
): HeartbeatWriter {
  return {
    beat: async () => {
      const { kind } = weather();
      if (!cloud.hasHosts) return NOTHING_TO_WRITE_MS;
      if (kind !== 'fair' && kind !== 'slow') throw new DatabaseError('unreachable', 'no heartbeat is taken');
      const { heartbeatMs } = cloud.rows();
      beats(heartbeatMs, cloud.server());
      const wentBack = heed(watermark, heartbeatText(heartbeatMs));
      if (wentBack !== null) watermark.note({ wentBack: { ...wentBack, server: cloud.server() } });
      const nowMs = Math.ceil(clock.monotonicMs() / 1_000) * 1_000;
      cloud.change((rows) => {
        rows.heartbeatMs = nowMs;
      });
      return intervalMs;
    },
    close: async () => {},
  };
}
