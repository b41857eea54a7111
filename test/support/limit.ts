/**
 * The limit of a wait that must end by itself: it ends a hang, and nothing else. That a machine is slow or busy is no
 * failure, so it is far longer than anything takes: each suite has to be green beside
 * `nice -n 5 stress-ng --cpu 2 --io 2` (Debian's package of that name), too.
 */
export const HANG_LIMIT_MS = 90_000;
