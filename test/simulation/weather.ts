import type { Settings } from '../../src/model/index.js';
import type { SimulatedHost } from '../support/simulated/host.js';

/** What is wrong with the database. */
export type DatabaseWeather =
  | { readonly kind: 'fair' }
  | { readonly kind: 'slow'; readonly byMs: number }
  /** Nothing listens, or the connection is reset. */
  | { readonly kind: 'down' }
  /** Nothing answers: every call ends at its limit. */
  | { readonly kind: 'hanging' }
  | { readonly kind: 'empty'; readonly tables: 'all' | 'ports' | 'bindings' }
  /** A dump is being restored: a share of the rows is there. */
  | { readonly kind: 'partial'; readonly share: number }
  /** A replica that lags behind answers in place of the primary server. */
  | {
      readonly kind: 'lagging';
      readonly byMs: number;
      readonly suspect: 'in-recovery' | 'read-only';
    }
  | { readonly kind: 'refusing-writes' }
  /** Another database, or tables in the middle of an upgrade. */
  | { readonly kind: 'strange-schema' };

/** All that is wrong with the agent's edges now. Happenings change it; nothing else does. */
export interface Weather {
  database: DatabaseWeather;
  notifications: 'prompt' | 'late' | 'lost';
  /** The kernel refuses this share of the operations. */
  operations: { readonly errno: string; readonly share: number } | null;
  kernelReadable: boolean;
  storeWritable: boolean;
  diskAnswers: boolean;
  /** The agent is killed before (`0`) or after so many more operations; null: it is not. */
  killIn: number | null;
  /** The agent is killed when it next writes a file, before or after the file is in place. */
  killAtStore: 'before' | 'after' | null;
  /** The settings that the operator has written are not those that are meant. */
  mistaken: ((settings: Settings) => Settings) | null;
  /** Somebody else on the host acts right after the next operation. */
  meddle: ((host: SimulatedHost) => void) | null;
}

export const fairWeather = (): Weather => ({
  database: { kind: 'fair' },
  notifications: 'prompt',
  operations: null,
  kernelReadable: true,
  storeWritable: true,
  diskAnswers: true,
  killIn: null,
  killAtStore: null,
  mistaken: null,
  meddle: null,
});
