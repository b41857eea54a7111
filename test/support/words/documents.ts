import { FAILURES, type FailureCode, WARNINGS, type WarningCode } from '../../../src/model/index.js';
import { PREFLIGHT, type PreflightCode } from '../../../src/model/preflight.js';

/** The documents in etc/ that are made from the program's own lists, so that neither can know more than the other. */

const FOOT =
  'Made from the program’s own lists by `node --import tsx test/support/write-documents.ts`; a test compares them.';

/** A cell of a Markdown table. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

/** `etc/ERRORS.md` */
export function errorsDocument(): string {
  const failures = (Object.keys(FAILURES) as FailureCode[]).map((code) => {
    const { cause, remedy, exit } = FAILURES[code];
    return [`\`${code}\``, exit === null ? 'none' : String(exit), cause, remedy];
  });
  const warnings = (Object.keys(WARNINGS) as WarningCode[]).map((code) => [
    `\`${code}\``,
    WARNINGS[code].cause,
    WARNINGS[code].remedy,
  ]);
  const findings = (Object.keys(PREFLIGHT) as PreflightCode[]).map((code) => {
    const { weight, cause, remedy } = PREFLIGHT[code];
    return [`\`${code}\``, weight, cause, remedy];
  });
  return `# Errors and warnings

Every code that logs (\`code\`), \`status\`, \`plan\`, \`once\`, \`explain\`, \`config check\` and the status page use, with
what is behind it and what to do.

## Failures

Exit is that of a command that ends because of it; the daemon goes on where it can.

${table(['Code', 'Exit', 'Cause', 'Remedy'], failures)}

## Warnings

Warnings never change an exit code. A port that is not wired has one of its own, with its whole id.

${table(['Code', 'Cause', 'Remedy'], warnings)}

## Findings of \`config check\`

A finding makes the check fail, a note does not. Failures of the database and warnings about interfaces are listed above.

${table(['Code', 'Weight', 'Cause', 'Remedy'], findings)}

${FOOT}
`;
}

/** `etc/METRICS.md`, from an exposition of the daemon and one of `once`. */
export function metricsDocument(daemon: string, once: string): string {
  return `# Metrics

The daemon serves them at \`/metrics\` when \`web_listen_address\` is set, besides \`/-/healthy\` (the loop turns) and
\`/-/ready\` (the database has answered the last poll). Every series is there from the start, at 0. No label holds an id:
the number of series is the same on every host.

${table(['Name', 'Type', 'Labels', 'Meaning'], rowsOf(daemon))}

\`once --textfile FILE\` writes these for node_exporter's textfile collector; when a run ends before it has looked at the
host, the gauges about the host are left out.

${table(['Name', 'Type', 'Labels', 'Meaning'], rowsOf(once))}

${FOOT}
`;
}

/** One row for each metric: what its HELP and TYPE lines say, and its labels with their values where these are a list. */
function rowsOf(exposition: string): string[][] {
  const lines = exposition.split('\n');
  return lines.flatMap((line) => {
    const [, name = '', help = ''] = /^# HELP (\S+) (.*)$/.exec(line) ?? [];
    if (name === '') return [];
    const type = lines.find((one) => one.startsWith(`# TYPE ${name} `))?.split(' ')[3] ?? '';
    return [[`\`${name}\``, type, labelsOf(lines, name), help]];
  });
}

const BOUNDED = ['state', 'stage', 'trigger'];

function labelsOf(lines: readonly string[], name: string): string {
  const values = new Map<string, Set<string>>();
  for (const line of lines) {
    if (!new RegExp(`^${name}(_bucket)?\\{`).test(line)) continue;
    for (const [, label = '', value = ''] of line.matchAll(/(\w+)="([^"]*)"/g)) {
      if (label !== 'le') values.set(label, (values.get(label) ?? new Set()).add(value));
    }
  }
  return [...values]
    .map(([label, found]) =>
      BOUNDED.includes(label) ? `\`${label}\`: ${[...found].join(', ')}` : `\`${label}\``,
    )
    .join('; ');
}
