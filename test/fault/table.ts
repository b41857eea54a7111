import { readFileSync, writeFileSync } from 'node:fs';
import type { EngineName } from '../support/databases/engines.js';
import { EVERY_ENGINE, type Fault } from './fault.js';

const FILE = new URL('README.md', import.meta.url);
/** A column each. */
const COLUMNS = EVERY_ENGINE;

/** What one run of a fault showed. */
export interface Measured {
  /** From the end of the fault until a tap that was made then was wired, and every port ACTIVE. */
  readonly recoveredMs: number;
  readonly sent: number;
  readonly lost: number;
  readonly events: number;
}

const TEXT = `# Faults

Written by the run itself: \`UPDATE_DOCS=1 npm test -- fault\`, and the column of MySQL by \`UPDATE_DOCS=1 npm run test:long\`.

Each fault happens to a host on which four taps are wired, while two guests exchange UDP packets, one every 10 ms each
way. On each engine: the *time to recover*, counted from the end of the fault until no removal is held, a tap that is made at that moment
is wired, and every port is ACTIVE in the database; the *events* that \`ip monitor\` shows on any device that was right before the fault
and that the fault itself does not touch; the *packets* lost.
`;

/** Writes what was measured on one engine into README.md: every fault in its order. Throws when one was not measured. */
export function writeColumn(
  catalogue: readonly Fault[],
  engine: EngineName,
  measured: ReadonlyMap<Fault, Measured>,
): void {
  const written = new Map(listedRows().map(([name = '', , ...cells]) => [name, cells]));
  const cell = (fault: Fault, column: EngineName): string => {
    if (!fault.engines.includes(column)) return 'not tried';
    if (column !== engine) return written.get(fault.name)?.[COLUMNS.indexOf(column)] ?? '';
    const run = measured.get(fault);
    if (run === undefined) throw new Error(`the fault "${fault.name}" was not measured`);
    return `${(run.recoveredMs / 1000).toFixed(1)} s, ${run.events} events, ${run.lost} of ${run.sent} packets`;
  };
  const rows = catalogue.map((fault) => [
    fault.name,
    fault.agent,
    ...COLUMNS.map((column) => cell(fault, column)),
  ]);
  const head = ['Fault', 'What the agent does', ...COLUMNS];
  const table = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  writeFileSync(FILE, [TEXT, ...table, ''].join('\n'));
}

/** The cells of each row of the table. */
const listedRows = (): string[][] =>
  readFileSync(FILE, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) => line.slice(2, -2).split(' | '));

/** The faults that the table lists, in its order. */
export const listedFaults = (): string[] => listedRows().map(([name = '']) => name);
