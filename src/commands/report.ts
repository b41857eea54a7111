import {
  commandsOf,
  fingerprintOf,
  type LinkRef,
  OPERATIONS,
  type Operation,
  type PassReport,
} from '../model/index.js';
import { jsonOf, visible } from '../model/visible.js';

/** The object that `plan --json` and `once --json` print; its shape is fixed. */
export function reportAsJson(host: string, report: PassReport): string {
  return jsonOf({
    host,
    generation: report.generation,
    inSync: report.inSync,
    operations: report.operations.map(operationAsJson),
    held: report.held,
    ...(report.held.length === 0 ? {} : { fingerprint: fingerprintOf(report.held) }),
    failed: report.failed.map(({ operation, failure }) => ({
      ...operationAsJson(operation),
      errno: failure.errno,
      message: failure.message,
    })),
    statuses: report.statuses.map(({ port, to }) => ({ port, status: to })),
    warnings: report.warnings,
    timings: Object.fromEntries(
      Object.entries(report.timings).map(([stage, ms]) => [stage, Math.round(ms * 1000) / 1000]),
    ),
  });
}

function operationAsJson(operation: Operation): Record<string, unknown> {
  const shown = Object.entries(operation)
    .filter(([key]) => key !== 'scope' && key !== 'target')
    .map(([key, value]) => [key, shownValue(key, value)]);
  return { ...Object.fromEntries(shown), commands: commandsOf(operation) };
}

function shownValue(key: string, value: unknown): unknown {
  if (key === 'addresses' || key === 'routes') return (value as { raw: string }[]).map(withoutRaw);
  return isLinkRef(value) ? value.name : value;
}

const isLinkRef = (value: unknown): value is LinkRef =>
  typeof value === 'object' && value !== null && 'index' in value && 'name' in value;

/** The kernel's own bytes are for the kernel only. */
function withoutRaw({ raw: _, ...shown }: { raw: string }): object {
  return shown;
}

/** A report for a person: every operation with its reason and, indented, in iproute2's words. */
export function reportAsText(host: string, given: PassReport, tense: 'planned' | 'done'): string {
  const report = visible(given);
  return [
    headline(host, report, tense),
    ...report.operations.flatMap((operation) => [
      `  ${OPERATIONS[operation.op].sign} ${operation.op} ${operation.device}: ${operation.reason}`,
      ...(tense === 'planned' ? commandsOf(operation).map((line) => `      ${line}`) : []),
    ]),
    ...report.failed.map(
      ({ operation, failure }) =>
        `  ! ${operation.op} ${operation.device} failed: ${failure.errno} ${failure.message}`,
    ),
    ...report.held.map(({ text, reason }) => `  held: ${text} (${reason})`),
    ...(report.held.length === 0 ? [] : [`  fingerprint of what is held: ${fingerprintOf(report.held)}`]),
    ...report.statuses.map(({ port, from, to }) => `  status of port ${port}: ${from ?? 'NULL'} -> ${to}`),
    ...report.warnings.map(({ code, message }) => `  warning ${code}: ${message}`),
  ].join('\n');
}

function headline(host: string, report: PassReport, tense: 'planned' | 'done'): string {
  const { operations, failed, held } = report;
  const parts = [
    operations.length === 0
      ? null
      : `${operations.length} operation(s) ${tense === 'planned' ? 'to make' : 'done'}`,
    failed.length === 0 ? null : `${failed.length} failed`,
    held.length === 0 ? null : `${held.length} removal(s) held`,
    report.inSync ? 'in sync' : null,
  ].filter((part) => part !== null);
  return `${host} (${report.generation ?? 'no database'}): ${parts.join(', ') || 'not in sync'}`;
}
