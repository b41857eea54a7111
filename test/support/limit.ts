/**
 * The limit of a wait that must end by itself: it ends a hang, and nothing else. That a machine is slow or busy is no
 * failure, so it is far longer than anything takes.
 */
export const HANG_LIMIT_MS = 90_000;
