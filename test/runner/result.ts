/** What one step or suite came to; a line of the summary. */
export interface Result {
  readonly label: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why tests were skipped, or what besides a failing test went wrong; empty when there is nothing to say. */
  readonly reason: string;
  readonly seconds: number;
}

export const skippedResult = (label: string, tests: number, reason: string): Result => ({
  label,
  passed: 0,
  failed: 0,
  skipped: tests,
  reason,
  seconds: 0,
});

/** Where everything is meant to run (TEST_INSTALL, CI), a test that did not run is a failure. */
export const skipIsFailure = (result: Result): Result => ({
  ...result,
  failed: result.failed + result.skipped,
  skipped: 0,
});

/** The table at the end, and below it the totals in the one form that CI reads, alone on the last line. */
export function summary(results: readonly Result[]): string {
  const rows = results.map((result) => [
    result.label,
    String(result.passed),
    String(result.failed),
    String(result.skipped),
    result.seconds.toFixed(1),
    result.reason,
  ]);
  const table = [['suite', 'passed', 'failed', 'skipped', 'seconds', ''], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n\n${totals(results)}`;
}

/** `N passed, N failed, N skipped`. */
export function totals(results: readonly Result[]): string {
  const sum = (count: (result: Result) => number): number =>
    results.reduce((total, result) => total + count(result), 0);
  return `${sum((r) => r.passed)} passed, ${sum((r) => r.failed)} failed, ${sum((r) => r.skipped)} skipped`;
}
