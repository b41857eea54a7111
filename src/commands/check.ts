import { realClock } from '../agent/clock.js';
import { startDeadline, withDeadline } from '../agent/deadline.js';
import { planOnce } from '../agent/single.js';
import {
  type AgentStatus,
  type Database,
  DatabaseError,
  KernelError,
  type Settings,
} from '../model/index.js';
import { jsonOf, oneLine } from '../model/visible.js';
import { span } from '../model/words.js';
import {
  judge,
  type Measure,
  parseThresholds,
  perfdata,
  STATES,
  type State,
  type StateCode,
  type Thresholds,
} from '../monitoring/nagios.js';
import { overviewOf } from '../reconcile/tell/overview.js';
import { askStatus, placesOf } from './ask.js';
import { defaultRanges, MEASURE_NAMES, type MeasureName } from './check-measures.js';
import type { Invocation, Output } from './invocation.js';
import { withEdgesToSee } from './open-parts.js';

export interface CheckOptions {
  /** Ranges by name of measure, over the defaults; empty: none. */
  readonly warning: string;
  readonly critical: string;
  readonly timeoutMs: number;
  readonly direct: boolean;
}

/** What was found: the figures, or the state it is in without any. */
type Found =
  | {
      readonly kind: 'figures';
      readonly values: Readonly<Record<MeasureName, number>>;
      readonly summary: string;
    }
  | { readonly kind: 'state'; readonly state: State; readonly text: string };

/**
 * `check`: a plugin for Nagios and Icinga. One line with performance data on stdout; exit 0 OK, 1 WARNING, 2 CRITICAL,
 * 3 UNKNOWN. Through the running agent, or with `direct` by itself from the kernel and the database. A dead agent, an
 * agent or a database that does not answer in time are CRITICAL: that is what the plugin is there to find.
 */
export async function check({ loaded, json, output }: Invocation, options: CheckOptions): Promise<StateCode> {
  const warning = thresholdsOf(defaultRanges('warning'), options.warning);
  const critical = thresholdsOf(defaultRanges('critical'), options.critical);
  if (typeof warning === 'string') return unknown(output, warning);
  if (typeof critical === 'string') return unknown(output, critical);
  const { settings } = loaded;
  const found = options.direct
    ? await lookDirectly(settings, options.timeoutMs)
    : await inTime(askAgentFor(settings.runDir), options.timeoutMs);
  if (found.kind === 'state') return tell(output, json, found.state, found.text, {}, '');
  const measures = measuresOf(found.values);
  const { state, problems } = judge(measures, warning, critical);
  const text = problems.length > 0 ? problems.join('; ') : `${found.summary}, ${leftIn(measures)}`;
  return tell(output, json, state, text, found.values, perfdata(measures, warning, critical));
}

/** What is still to be done, also where the user's ranges let it pass. */
const leftIn = (measures: readonly Measure[]): string =>
  measures.flatMap(({ name, value, text }) => (name === 'age' || value === 0 ? [] : [text])).join(', ') ||
  'in sync';

/** What the user gave, over the defaults; a text says what is wrong. */
function thresholdsOf(defaults: string, given: string): Thresholds | string {
  const ranges = new Map();
  for (const text of [defaults, given].filter((one) => one !== '')) {
    const parsed = parseThresholds(text, MEASURE_NAMES);
    if (!parsed.ok) return parsed.wrong;
    for (const [name, range] of parsed.ranges) ranges.set(name, range);
  }
  return ranges;
}

/** UNKNOWN is for wrong use, not for what is checked. */
export function unknown(output: Output, text: string): StateCode {
  return tell(output, false, 'UNKNOWN', text, {}, '');
}

function tell(
  output: Output,
  json: boolean,
  state: State,
  text: string,
  values: Readonly<Record<string, number>>,
  performance: string,
): StateCode {
  const line = oneLine(text.replace(/\s+/g, ' ')).replaceAll('|', '/');
  if (json) output.print(jsonOf({ state, exit: STATES[state], text: line, values }));
  else output.print(`${state}: ${line}${performance === '' ? '' : ` | ${performance}`}`);
  return STATES[state];
}

const measuresOf = (values: Readonly<Record<MeasureName, number>>): Measure[] => {
  const texts: Readonly<Record<MeasureName, string>> = {
    age: `no answer of the database for ${span(values.age * 1000)}`,
    drift: `${values.drift} operation(s) to make`,
    held: `${values.held} removal(s) held`,
    failed: `${values.failed} operation(s) failed`,
    unwired: `${values.unwired} port(s) not wired`,
    unknown: `the tunnel endpoint of ${values.unknown} other host(s) not known`,
  };
  return MEASURE_NAMES.map((name) => ({
    name,
    value: values[name],
    unit: name === 'age' ? 's' : '',
    text: texts[name],
  }));
};

async function askAgentFor(runDir: string): Promise<Found> {
  const answer = await askStatus(runDir);
  switch (answer.kind) {
    case 'answer':
      return fromStatus(answer.value);
    case 'nobody':
      return { kind: 'state', state: 'CRITICAL', text: `no agent runs here (looked in ${placesOf(runDir)})` };
    case 'forbidden':
      return {
        kind: 'state',
        state: 'UNKNOWN',
        text: `not permitted to use the control socket in ${placesOf(runDir)}`,
      };
    case 'failed':
      return { kind: 'state', state: 'CRITICAL', text: answer.message };
    case 'misunderstood':
      return { kind: 'state', state: 'UNKNOWN', text: answer.message };
  }
}

function fromStatus({ database, nowMs, startedAtMs, lastPass, held, taps, forwarding }: AgentStatus): Found {
  return {
    kind: 'figures',
    values: {
      age: (nowMs - (database.lastGoodPollAtMs ?? startedAtMs)) / 1000,
      drift: lastPass?.pending ?? 0,
      held: held.length,
      failed: lastPass?.failed ?? 0,
      unwired: taps.filter(({ state }) => state === 'blocked').length,
      unknown: forwarding.hostsUnknown,
    },
    summary: `${taps.filter(({ state }) => state === 'wired').length} tap(s) wired, ${taps.length} here`,
  };
}

function inTime(work: Promise<Found>, limitMs: number): Promise<Found> {
  return new Promise((settle, fail) => {
    const text = `the running agent did not answer within ${limitMs / 1000} s`;
    const cancel = realClock.after(limitMs, () => settle({ kind: 'state', state: 'CRITICAL', text }));
    work.then(settle, fail).finally(cancel);
  });
}

/** Without an agent: what one poll finds now. Drift is what `once` would do. */
async function lookDirectly(settings: Settings, limitMs: number): Promise<Found> {
  const inTime = (database: Database): Database => withDeadline(database, startDeadline(realClock, limitMs));
  try {
    const planned = await withEdgesToSee(settings, (edges) => planOnce(edges, settings), inTime);
    const { report } = planned;
    const { taps, forwarding } = overviewOf(planned.desired.world.view, planned);
    const unwired = taps.filter(({ state }) => state === 'blocked').length;
    const values = {
      age: 0,
      drift: report.operations.length,
      held: report.held.length,
      failed: 0,
      unwired,
      unknown: forwarding.hostsUnknown,
    };
    return { kind: 'figures', values, summary: `${taps.length} tap(s) here` };
  } catch (error) {
    if (error instanceof DatabaseError) return { kind: 'state', state: 'CRITICAL', text: error.message };
    if (error instanceof KernelError) return { kind: 'state', state: 'UNKNOWN', text: error.message };
    throw error;
  }
}
