import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import {
  type AgentEvent,
  type AgentStatus,
  type Clock,
  type Observer,
  OPERATION_KINDS,
  type PassReport,
} from '../model/index.js';
import { gaugesOf, NAME } from './gauges.js';
import type { Route } from './web.js';

/** A pass without changes takes a millisecond; the longest ones wire a whole host. */
const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface Metrics {
  /** Counts what happens. */
  readonly observer: Observer;
  /** The exposition in Prometheus' text format. */
  render(status: AgentStatus): Promise<string>;
  /** `/metrics` */
  readonly route: Route;
}

/**
 * The metrics of the running agent. Every series is there from the start, at 0; no label has more values than are
 * written down in this program, so that the number of series does not depend on the cloud. `droppedLines`: of the log, so far.
 */
export function startMetrics(version: string, clock: Clock, droppedLines: () => number): Metrics {
  const registry = new Registry();
  const observer = countersOf(registry);
  const gauges = gaugesOf(registry);
  new Gauge({
    name: `${NAME}build_info`,
    help: 'Version of the agent and of Node; always 1.',
    labelNames: ['version', 'node_version'],
    registers: [registry],
  }).set({ version, node_version: process.version }, 1);
  const updateLog = logMetrics(registry, droppedLines);
  const updateProcess = processMetrics(registry, clock.wallMs() / 1000 - process.uptime());
  const render = (status: AgentStatus): Promise<string> => {
    gauges.set(status);
    updateLog();
    updateProcess();
    return registry.metrics();
  };
  const route: Route = {
    path: '/metrics',
    handle: async (_request, response, site) => {
      const text = await render(site.status());
      response.writeHead(200, { 'Content-Type': registry.contentType }).end(text);
    },
  };
  return { observer, render, route };
}

const counter = <Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelName?: Label,
): Counter<Label> =>
  new Counter<Label>({
    name: `${NAME}${name}_total`,
    help,
    labelNames: labelName === undefined ? [] : [labelName],
    registers: [registry],
  });

/** How often something happened in one event. */
type Count = (event: AgentEvent) => number;
const at =
  (...kinds: readonly AgentEvent['kind'][]): Count =>
  (event) =>
    Number(kinds.includes(event.kind));

const COUNTED: readonly (readonly [name: string, help: string, count: Count])[] = [
  ['poll_failures', 'Polls that the database did not answer.', at('database-lost', 'database-retry')],
  ['database_reconnects', 'Times the database came back after it was lost.', at('database-back')],
  [
    'status_writes',
    'Port statuses written to the database.',
    (event) => (event.kind === 'statuses-written' ? event.rows : 0),
  ],
  ['status_write_failures', 'Attempts to write port statuses that failed.', at('statuses-failed')],
  ['kernel_failures', 'Passes that ended because the kernel could not be read.', at('kernel-failed')],
  ['panics', 'Faults of this program that cost a pass or what else was under way.', at('fault')],
  [
    'accepted_removals',
    'Held removals that an operator let go ahead.',
    (event) => (event.kind === 'accepted' ? event.removals : 0),
  ],
  ['reloads', 'Times the settings were read again.', at('reloaded', 'reload-refused')],
  ['reload_failures', 'Times the settings were read again and refused.', at('reload-refused')],
];

function countersOf(registry: Registry): Observer {
  const passes = passCounters(registry);
  const counters = COUNTED.map(([name, help, count]) => [counter(registry, name, help), count] as const);
  return (event) => {
    if (event.kind === 'pass') passes(event.report);
    for (const [counted, count] of counters) counted.inc(count(event));
  };
}

function passCounters(registry: Registry): (report: PassReport) => void {
  const passes = counter(registry, 'passes', 'Passes by what started them.', 'trigger');
  for (const trigger of ['poll', 'kernel']) passes.inc({ trigger }, 0);
  const failures = counter(registry, 'pass_failures', 'Passes in which some operation failed.');
  const operations = counter(registry, 'operations', 'Operations carried out, by kind.', 'operation');
  const refused = counter(registry, 'operation_failures', 'Operations that failed, by kind.', 'operation');
  for (const operation of OPERATION_KINDS) {
    operations.inc({ operation }, 0);
    refused.inc({ operation }, 0);
  }
  const durations = new Histogram({
    name: `${NAME}pass_duration_seconds`,
    help: 'Duration of the stages of a pass; without the time the database takes.',
    labelNames: ['stage'],
    buckets: DURATION_BUCKETS_S,
    registers: [registry],
  });
  for (const stage of Object.values(STAGES)) durations.zero({ stage });
  return ({ trigger, operations: done, failed, timings }) => {
    passes.inc({ trigger });
    if (failed.length > 0) failures.inc();
    for (const { op } of done) operations.inc({ operation: op });
    for (const { operation } of failed) refused.inc({ operation: operation.op });
    for (const [key, stage] of Object.entries(STAGES))
      durations.observe({ stage }, (timings[key] ?? 0) / 1000);
  };
}

function logMetrics(registry: Registry, droppedLines: () => number): () => void {
  const dropped = counter(
    registry,
    'log_lines_dropped',
    'Lines of the log that were dropped because nobody took them.',
  );
  let counted = 0;
  return () => {
    const now = droppedLines();
    dropped.inc(now - counted);
    counted = now;
  };
}

/** Timings of a pass report, and what a stage is called. */
const STAGES: Readonly<Record<string, string>> = { planMs: 'plan', applyMs: 'apply' };

/**
 * The standard metrics of a process. prom-client's own collection brings some whose names `promtool check metrics`
 * refuses, and timers that would wake an idle agent.
 */
function processMetrics(registry: Registry, startS: number): () => void {
  const registers = [registry];
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the process since the epoch.',
    registers,
  }).set(Math.round(startS));
  const memory = new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size.',
    registers,
  });
  const cpu = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time spent.',
    registers,
  });
  let countedS = 0;
  return () => {
    memory.set(process.memoryUsage.rss());
    const { user, system } = process.cpuUsage();
    const usedS = (user + system) / 1e6;
    cpu.inc(Math.max(0, usedS - countedS));
    countedS = usedS;
  };
}
