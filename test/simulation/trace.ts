import type { AgentEvent, OperationOutcome, Port } from '../../src/model/index.js';
import type { Telling } from './database.js';

/** What happened, a line each, for a reader who wants to know why. */
export interface Trace {
  add(atMs: number, text: () => string): void;
  lines(): readonly string[];
}

export function makeTrace(): Trace {
  const lines: string[] = [];
  const last = new Map<string, string>();
  return {
    add: (atMs, text) => {
      const line = text();
      // Answers and passes repeat themselves, poll after poll.
      const kind = / answers | {2}pass from [a-z]+/.exec(line)?.[0] ?? null;
      const isNews = kind === null || last.get(kind) !== line;
      if (kind !== null) last.set(kind, line);
      lines.push(`${(atMs / 1_000).toFixed(3).padStart(10)}  ${isNews ? line : `${kind} (the same)`}`);
    },
    lines: () => lines,
  };
}

export function describeOutcome(outcome: OperationOutcome): string {
  const { operation } = outcome;
  const target =
    operation.op === 'attach' || operation.op === 'detach'
      ? ` ${operation.bridge.name}`
      : operation.op === 'move-addresses'
        ? ` ${operation.from.name} -> ${operation.to.name} (${operation.membership})`
        : '';
  const end = outcome.ok ? '' : `  FAILS: ${outcome.failure.errno}`;
  return `    ${operation.op} ${operation.device}${target}${end}`;
}

export function describeTelling({ answer, emptyTables }: Telling): string {
  const about = [
    ...(answer.suspect === null ? [] : [answer.suspect]),
    ...emptyTables.map((table) => `${table} is empty`),
  ].join(', ');
  const ports = answer.ports.map(describePort).join('; ');
  const networks = answer.networks
    .map(
      ({ id, rowPresent, segments }) =>
        `${id.slice(0, 11)}${rowPresent ? '' : ' no row'} ${JSON.stringify(segments)}`,
    )
    .join('; ');
  return `${answer.server} answers (${about}): ports [${ports}] networks [${networks}]`;
}

const describePort = ({ id, networkId, adminUp, status, binding }: Port): string =>
  `${id.slice(0, 11)} on ${networkId.slice(0, 11)} ${adminUp ? 'up' : 'down'} ${binding.kind} ${status}`;

export function describeEvent(event: AgentEvent): string {
  switch (event.kind) {
    case 'pass': {
      const { report } = event;
      const held = report.held.map(({ text, reason }) => `${text}: ${reason}`).join('; ');
      const warnings = report.warnings.map(({ code, message }) => `${code} (${message})`).join(', ');
      return `  pass from ${report.generation === null ? 'memory' : 'the answer'}: ${report.operations.length} done, ${report.failed.length} failed${held === '' ? '' : `, held: ${held}`}${warnings === '' ? '' : `, warnings: ${warnings}`}`;
    }
    case 'statuses-written':
      return `  statuses written: ${event.changes.map(({ port, to }) => `${port.slice(0, 11)} ${to}`).join(', ')}`;
    case 'statuses-failed':
    case 'database-lost':
    case 'database-retry':
    case 'kernel-failed':
    case 'state-failed':
      return `  ${event.kind}: ${event.error}`;
    default:
      return `  ${event.kind}`;
  }
}
