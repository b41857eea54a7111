/** Test files that no suite runs, so that they would never fail. */
export function orphanTestFindings(paths: readonly string[], suites: readonly string[]): string[] {
  return paths
    .filter((path) => path.endsWith('.test.ts'))
    .filter((path) => !suites.some((suite) => path.startsWith(`test/${suite}/`)))
    .map(
      (path) =>
        `${path} is in no suite and never runs: move it to one of ${suites.map((s) => `test/${s}`).join(', ')}.`,
    );
}
