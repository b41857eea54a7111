import type { DatabaseErrorKind, StatusChange } from './database.js';
import type { LinkName } from './ids.js';
import type { OperationOutcome } from './kernel.js';
import type { Operation } from './operation.js';
import type { Warning } from './warning.js';

/** A removal that the guard holds back, as it is shown. */
export interface HeldRemoval {
  readonly key: string;
  readonly device: LinkName;
  readonly taps: number;
  /** What would be done. */
  readonly text: string;
  /** Why it is held. */
  readonly reason: string;
}

/** What one pass saw and did; logs, `once`, `plan` and the status page all read this one value. */
export interface PassReport {
  /** Unique within the process; on every log line of the pass. */
  readonly pass: string;
  readonly trigger: 'poll' | 'kernel' | 'command';
  /** null: the pass worked from what is remembered. */
  readonly generation: string | null;
  /** The host is as the database wants it: nothing is left to change, and nothing is held. */
  readonly inSync: boolean;
  /** Operations that were still to be made at the end of the pass, apart from what is held. */
  readonly pending: number;
  /** What was carried out, or, for a plan, what would be. */
  readonly operations: readonly Operation[];
  readonly failed: readonly Extract<OperationOutcome, { ok: false }>[];
  readonly held: readonly HeldRemoval[];
  readonly statuses: readonly StatusChange[];
  readonly warnings: readonly Warning[];
  /** Milliseconds of each stage. */
  readonly timings: Readonly<Record<string, number>>;
}

/** What happened since the last summary, and how the host stands now. */
export interface Summary {
  readonly passes: number;
  readonly operations: number;
  readonly failures: number;
  readonly failedPolls: number;
  readonly knownPorts: number;
  readonly held: number;
  readonly warnings: number;
  readonly databaseUp: boolean;
}

/** Everything the agent tells the outside, once each; logging, metrics and tests listen to this one stream. */
export type AgentEvent =
  | { readonly kind: 'started'; readonly host: string; readonly version: string }
  | { readonly kind: 'pass'; readonly report: PassReport }
  | { readonly kind: 'database-lost'; readonly error: string; readonly errorKind: DatabaseErrorKind }
  | { readonly kind: 'database-retry'; readonly tries: number; readonly error: string }
  | { readonly kind: 'gave-up'; readonly error: string; readonly tries: number }
  | { readonly kind: 'database-back'; readonly downMs: number; readonly tries: number }
  /** `change`: whether another server of the list than before answers. */
  | {
      readonly kind: 'database-connected';
      readonly server: string;
      readonly generation: string;
      readonly change: 'none' | 'to-another' | 'back-to-first';
    }
  /** One server of the list could not be used; the next is tried. */
  | { readonly kind: 'database-connect-failed'; readonly server: string; readonly error: string }
  | { readonly kind: 'database-connection-lost'; readonly server: string; readonly error: string }
  /** This host's row in `agents` could not be written, twice in a row; told once, until it is written again. */
  | { readonly kind: 'heartbeat-failed'; readonly error: string }
  | { readonly kind: 'heartbeat-back' }
  | {
      readonly kind: 'statuses-written';
      readonly pass: string;
      readonly changes: readonly StatusChange[];
      readonly rows: number;
    }
  | { readonly kind: 'statuses-failed'; readonly pass: string; readonly error: string }
  | { readonly kind: 'kernel-failed'; readonly error: string }
  /** No server answered at the start: wired from what was kept on disk. */
  | { readonly kind: 'recovered'; readonly ports: number; readonly ageMs: number }
  | { readonly kind: 'not-recovered'; readonly why: string }
  /** At the start: a move of addresses that an earlier agent was killed in has been ended. */
  | { readonly kind: 'move-settled'; readonly how: 'completed' | 'taken-back' }
  | { readonly kind: 'move-not-settled'; readonly why: string }
  /** `state_dir` cannot be written, or does not answer; told once, until it is written again. */
  | { readonly kind: 'state-failed'; readonly error: string }
  | { readonly kind: 'state-kept' }
  /** A file in `state_dir` that is damaged or of another version. `putAsideAs`: its new path; null: it is where it was. */
  | { readonly kind: 'state-unusable'; readonly why: string; readonly putAsideAs: string | null }
  | { readonly kind: 'control-failed'; readonly error: string }
  | { readonly kind: 'web-listening'; readonly address: string }
  | { readonly kind: 'web-failed'; readonly error: string }
  /** The settings are about to be read again. */
  | { readonly kind: 'reloading' }
  | { readonly kind: 'reloaded'; readonly warnings: readonly Warning[] }
  /** These settings were changed; a running agent keeps the values it was started with. */
  | { readonly kind: 'restart-needed'; readonly settings: readonly string[] }
  | { readonly kind: 'reload-refused'; readonly problems: readonly string[] }
  /** A fault of this program was met; what was under way is given up. */
  | { readonly kind: 'fault'; readonly during: FaultPlace; readonly stack: string }
  /** So many of them, so soon after one another, that the agent ends. */
  | { readonly kind: 'too-many-faults' }
  | { readonly kind: 'accepted'; readonly removals: number }
  /** Once an hour, so that a silent agent can be told from a dead one. */
  | { readonly kind: 'summary'; readonly summary: Summary }
  | { readonly kind: 'stopping'; readonly signal: string };

/** What a fault of this program was met in. `telling`: a log, metrics or page. */
export type FaultPlace = 'poll' | 'pass' | 'heartbeat' | 'telling' | 'elsewhere';

export type Observer = (event: AgentEvent) => void;
