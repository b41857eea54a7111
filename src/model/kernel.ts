import type { IfIndex, LinkName } from './ids.js';
import type { HostState, Route } from './link.js';
import type { Operation, OperationOf } from './operation.js';

/** Why one operation did not succeed. */
export interface OperationFailure {
  /** Symbolic, for example `EBUSY`; `SKIPPED` when an operation it builds on failed. */
  readonly errno: string;
  /** The kernel's own words where it gave any. */
  readonly message: string;
  /** EEXIST, EBUSY, ENODEV and the like: read again and plan again. */
  readonly worldChanged: boolean;
}

export type OperationOutcome =
  | { readonly ok: true; readonly operation: Operation }
  | { readonly ok: false; readonly operation: Operation; readonly failure: OperationFailure };

/** Thrown when the kernel cannot be read or opened at all. `permission`: CAP_NET_ADMIN is missing. */
export class KernelError extends Error {
  override readonly name = 'KernelError';
  constructor(
    readonly kind: 'permission' | 'unsupported' | 'failed',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** A move of addresses as it is written down before it begins: both ends, and what was on each. Plain JSON. */
export interface AddressMove {
  readonly from: { readonly name: LinkName; readonly index: IfIndex };
  readonly to: { readonly name: LinkName; readonly index: IfIndex };
  readonly membership: OperationOf<'move-addresses'>['membership'];
  /** What `from` carried: addresses, routes and permanent neighbours, by the names that the kernel room gives. */
  readonly carried: readonly string[];
  /** What `to` carried already, by the same names. */
  readonly before: readonly string[];
}

/** Where a move is written down while it is under way, so that the next start can end it after a kill. */
export interface MoveJournal {
  /** Throws when it cannot be kept; the move is not begun then. */
  begin(move: AddressMove): void;
  done(): void;
}

/** The host's links as the agent sees and changes them. */
export interface Kernel {
  /**
   * The state now: drains pending notifications, or reads everything again when some were lost.
   * Throws KernelError rather than give half a picture.
   */
  observe(): HostState;
  /**
   * The routes over a link now, in all tables. No part of the state: a host may carry a million of them, and only a move
   * of addresses is about them. Throws KernelError.
   */
  routesOver(index: IfIndex): readonly Route[];
  /** Forgets the picture kept from notifications, so that the next `observe` reads all of it again. */
  invalidate(): void;
  /** The next `observe` asks for what nobody announces (nftables), too, as it does after each announcement: once a poll is enough. */
  askAgain(): void;
  /**
   * Carries out the operations in order. One that fails stops those that build on it (see
   * `Operation.scope`), not the others. Answers in the same order, one outcome each.
   */
  apply(operations: readonly Operation[]): OperationOutcome[];
  /** Calls `look` (at most once until the next `observe`) when something changed. */
  watch(look: () => void): void;
  close(): Promise<void>;
}

/** Time as the agent sees it. */
export interface Clock {
  /** Milliseconds that never go back; for intervals. */
  monotonicMs(): number;
  /** Milliseconds since the epoch; for what is shown or kept on disk. */
  wallMs(): number;
  /** Calls `wake` once after `delayMs`; the result cancels it. */
  after(delayMs: number, wake: () => void): () => void;
}
