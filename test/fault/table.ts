import { readFileSync, writeFileSync } from 'node:fs';
import type { Fault } from './fault.js';

const FILE = new URL('README.md', import.meta.url);

/** What one run of a fault showed. */
export interface Measured {
  readonly engine: string;
  /** From the end of the fault until a tap that was made then was wired, and every port ACTIVE. */
  readonly recoveredMs: number;
  readonly sent: number;
  readonly lost: number;
  readonly events: number;
}

const TEXT = `# Faults

Written by the run itself: \`UPDATE_DOCS=1 npm test -- fault\`.

Each fault happens to a host on which four taps are wired, while two guests exchange UDP packets, one every 10 ms each
way. *Time to recover* is counted from the end of the fault until no removal is held, a tap that is made at that moment
is wired, and every port is ACTIVE in the database. *Events* are what \`ip monitor\` shows on every device that was right before the fault
and that the fault itself does not touch.
`;

/** Writes README.md: these faults in their order, all of them or nothing. Throws when one was not measured. */
export function writeTable(
  catalogue: readonly Fault[],
  measured: ReadonlyMap<Fault, readonly Measured[]>,
): void {
  const rows = catalogue.map((fault) => {
    const runs = measured.get(fault);
    if (runs === undefined) throw new Error(`the fault "${fault.name}" was not measured`);
    return `| ${fault.name} | ${fault.agent} | ${runs.map(recovery).join(', ')} | ${sum(runs, 'events')} | ${sum(runs, 'lost')} of ${sum(runs, 'sent')} |`;
  });
  const head = '| Fault | What the agent does | Time to recover | Events on healthy taps | Packets lost |';
  writeFileSync(FILE, [TEXT, head, '|---|---|---|---|---|', ...rows, ''].join('\n'));
}

const recovery = ({ engine, recoveredMs }: Measured): string =>
  `${(recoveredMs / 1000).toFixed(1)} s (${engine})`;

const sum = (runs: readonly Measured[], what: 'events' | 'lost' | 'sent'): number =>
  runs.reduce((total, run) => total + run[what], 0);

/** The faults that the table lists, in its order. */
export const listedFaults = (): string[] =>
  readFileSync(FILE, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) => line.split(' | ')[0]?.slice(2) ?? '');
