import { planOnce } from '../agent/single.js';
import { EXIT, type ExitCode, type PassReport } from '../model/index.js';
import type { Invocation } from './invocation.js';
import { refuseWithoutNetAdmin, withEdgesToSee, withFailures } from './open-parts.js';
import { reportAsJson, reportAsText } from './report.js';

/** `plan`: what `once` would do; changes nothing and takes no lock. Exit 0 in sync, 2 changes, 3 only held ones. */
export async function plan({ loaded, json, output }: Invocation): Promise<ExitCode> {
  const refused = refuseWithoutNetAdmin(output);
  if (refused !== null) return refused;
  const { settings } = loaded;
  return withFailures(output, async () => {
    const { report } = await withEdgesToSee(settings, (edges) => planOnce(edges, settings));
    const { host } = settings.host;
    output.print(json ? reportAsJson(host, report) : reportAsText(host, report, 'planned'));
    return planExitCode(report);
  });
}

function planExitCode({ operations, held }: PassReport): ExitCode {
  if (operations.length > 0) return EXIT.changes;
  return held.length > 0 ? EXIT.held : EXIT.ok;
}
