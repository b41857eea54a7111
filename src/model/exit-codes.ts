/**
 * Exit codes, fixed from the first version. 64, 69, 70, 75, 77 and 78 are those of sysexits.h.
 * Where several apply, the first of 78, 77, 75, 1, 3, 2, 0 wins. 70 is a fault of this program: of a command, or of
 * the daemon after several in a short time.
 */
export const EXIT = {
  ok: 0,
  failed: 1,
  changes: 2,
  held: 3,
  usage: 64,
  alreadyRunning: 69,
  fault: 70,
  unreachable: 75,
  notPermitted: 77,
  misconfigured: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
