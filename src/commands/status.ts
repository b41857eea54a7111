import {
  type AgentStatus,
  EXIT,
  type ExitCode,
  fingerprintOf,
  type NetworkStatus,
  type TapStatus,
  type TunnelStatus,
  WARNINGS,
} from '../model/index.js';
import { ENDPOINT_WORDS, hostsInWords, tunnelInClause } from '../model/tunnel-words.js';
import { jsonOf, visible } from '../model/visible.js';
import { span, took } from '../model/words.js';
import { viewOf } from '../reconcile/see/view.js';
import { hostOverview } from '../reconcile/tell/overview.js';
import { askStatus, complainOfAgent } from './ask.js';
import type { Invocation, Output } from './invocation.js';
import { kernelToSee, withFailures } from './open-parts.js';
import { cell, painter, type Tone, wrapped } from './text.js';

/**
 * `status`: what the running agent sees and last did, as a table of at most 80 columns, or with `--json` its whole
 * `AgentStatus` and the fingerprint of what is held. Exit 0. When no agent runs it says so and shows the host as it is: exit 69.
 */
export async function status(invocation: Invocation): Promise<ExitCode> {
  const { loaded, json, output } = invocation;
  const { runDir } = loaded.settings;
  const answer = await askStatus(runDir);
  if (answer.kind === 'answer') {
    output.print(
      json
        ? jsonOf({ ...answer.value, fingerprint: fingerprintOf(answer.value.held) }, 2)
        : asText(visible(answer.value), output),
    );
    return EXIT.ok;
  }
  const code = complainOfAgent(output, runDir, answer);
  return answer.kind === 'nobody' ? withFailures(output, () => showHost(invocation, code)) : code;
}

/** The kernel alone: what is there, without what the database wants of it. */
async function showHost({ loaded, json, output }: Invocation, code: ExitCode): Promise<ExitCode> {
  const { host } = loaded.settings;
  const kernel = kernelToSee();
  try {
    const overview = hostOverview(viewOf(kernel.observe(), host));
    if (json) output.print(jsonOf({ host: host.host, running: false, ...overview }, 2));
    else
      output.print(
        [`${host.host}: the host as it is`, '', networkTable(visible(overview), output)].join('\n'),
      );
    return code;
  } finally {
    await kernel.close();
  }
}

function asText(status: AgentStatus, output: Output): string {
  const sections = [
    headLines(status, output),
    networkTable(status, output),
    heldLines(status),
    warningLines(status),
    changeLines(status),
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

/** Where the texts begin beside `database`, `last poll` and `last pass`. */
const HEAD_WIDTH = 11;

function headLines(status: AgentStatus, { colour }: Output): string {
  const { host, version, nowMs, startedAtMs, database, lastPass, generation } = status;
  const paint = painter(colour);
  const since = span(nowMs - database.sinceMs);
  // The place of the server; what else is in its identity tells it from another one behind the same place.
  const server = database.server?.split(' ', 1)[0] ?? 'unknown';
  const state = {
    up: `${paint('good', 'up')} for ${since} (${generation}, server ${server})`,
    down: `${paint('bad', 'DOWN')} for ${since}: ${database.error}`,
    'not-asked-yet': 'not asked yet',
  }[database.state];
  return [
    `${host}: agent ${version}, running for ${span(nowMs - startedAtMs)}`,
    `database${wrapped(state, HEAD_WIDTH).slice('database'.length)}`,
    database.lastGoodPollAtMs === null
      ? 'last poll  none was answered yet'
      : `last poll  answered ${span(nowMs - database.lastGoodPollAtMs)} ago, ${database.failedPolls} failed since the start`,
    lastPass === null
      ? 'last pass  none yet'
      : `last pass  ${span(nowMs - lastPass.atMs)} ago (${lastPass.trigger}, ${took(lastPass.durationMs)}): ${passText(lastPass)}`,
  ].join('\n');
}

function passText({
  operations,
  failed,
  held,
  pending,
  inSync,
}: NonNullable<AgentStatus['lastPass']>): string {
  const parts = [
    inSync ? 'in sync' : null,
    operations > 0 ? `${operations} done` : null,
    failed > 0 ? `${failed} failed` : null,
    pending > 0 ? `${pending} to make` : null,
    held > 0 ? `${held} held` : null,
  ];
  return parts.filter((part) => part !== null).join(', ') || 'not in sync';
}

const NETWORK_WIDTH = 36;
const DEVICE_WIDTH = 15;
/** A tap's row is indented by two; its name takes what is left of the network's column. */
const TAP_INDENT = 2;

const TAP_TONES: Readonly<Record<TapStatus['state'], Tone>> = {
  wired: 'good',
  waiting: 'doubtful',
  blocked: 'bad',
  held: 'doubtful',
  down: 'quiet',
  'no-row': 'quiet',
  'left-alone': 'quiet',
  unknown: 'quiet',
};

/** Each network with its taps below it, then the taps without one. */
function networkTable({ networks, taps }: Pick<AgentStatus, 'networks' | 'taps'>, output: Output): string {
  if (networks.length + taps.length === 0) return 'No tap and no bridge of the agent is here.';
  const known = new Set(networks.map(({ id }) => id));
  const rest = taps.filter(({ network }) => network === null || !known.has(network));
  return [
    row('NETWORK', 'BRIDGE', 'UPLINK', 'STATE'),
    ...networks.flatMap((network) => [
      ...networkRows(network, output),
      ...taps.filter((tap) => tap.network === network.id).flatMap((tap) => tapRows(tap, output)),
    ]),
    ...(rest.length > 0 ? ['(no network here)', ...rest.flatMap((tap) => tapRows(tap, output))] : []),
  ].join('\n');
}

const row = (id: string, bridge: string, uplink: string, state: string): string =>
  `${cell(id, NETWORK_WIDTH)}  ${cell(bridge, DEVICE_WIDTH)}  ${cell(uplink, DEVICE_WIDTH)}  ${state}`;

function networkRows(
  { id, bridge, uplink, segment, tunnel, state, warning }: NetworkStatus,
  { colour }: Output,
): string[] {
  const tone = state === 'blocked' ? 'bad' : state === 'served' ? 'good' : 'quiet';
  const line = row(
    id,
    bridge ?? '-',
    uplink ?? (segment === 'local' ? 'local' : '-'),
    painter(colour)(tone, state),
  );
  return [
    line,
    ...(warning === null ? [] : [wrapped(`${warning.code}: ${warning.message}`, TAP_INDENT)]),
    ...(tunnel === null ? [] : tunnelRows(tunnel)),
  ];
}

/** Endpoints that are as they should be are counted: `explain` lists them. */
const tunnelRows = (tunnel: TunnelStatus): string[] => [
  wrapped(`tunnel ${tunnelInClause(tunnel)}`, TAP_INDENT),
  ...tunnel.endpoints
    .filter(({ state, why }) => state !== 'listed' || why !== null)
    .slice(0, ENDPOINTS_SHOWN_MAX)
    .map((one) =>
      wrapped(
        `${one.endpoint ?? 'no address'} of ${hostsInWords(one)}: ${ENDPOINT_WORDS[one.state]}${one.why === null ? '' : `: ${one.why}`}`,
        2 * TAP_INDENT,
      ),
    ),
];
const ENDPOINTS_SHOWN_MAX = 10;

function tapRows({ tap, bridge, state, why, port }: TapStatus, { colour }: Output): string[] {
  const name = cell(`${' '.repeat(TAP_INDENT)}${tap}`, NETWORK_WIDTH);
  const line = `${name}  ${cell(bridge ?? '-', DEVICE_WIDTH)}  ${painter(colour)(TAP_TONES[state], state)}`;
  const about = [port === null ? null : `port ${port}`, why].filter((part) => part !== null).join(': ');
  return why === null ? [line] : [line, wrapped(about, 2 * TAP_INDENT)];
}

function heldLines({ held }: AgentStatus): string {
  if (held.length === 0) return '';
  const lines = held.map(({ text, reason }) => wrapped(`${text} (${reason})`, TAP_INDENT));
  return [`HELD BACK (accept ${fingerprintOf(held)} lets them go ahead)`, ...lines].join('\n');
}

/** Each code once with its remedy, below it what it is about. */
function warningLines({ warnings }: AgentStatus): string {
  if (warnings.length === 0) return '';
  const codes = [...new Set(warnings.map(({ code }) => code))];
  return [
    'WARNINGS',
    ...codes.flatMap((code) => [
      wrapped(`${code}: ${WARNINGS[code].remedy}`, TAP_INDENT),
      ...warnings.filter((one) => one.code === code).map(({ message }) => wrapped(message, 2 * TAP_INDENT)),
    ]),
  ].join('\n');
}

const CHANGES_SHOWN_MAX = 10;

function changeLines({ changes, nowMs }: AgentStatus): string {
  if (changes.length === 0) return '';
  const lines = changes.slice(0, CHANGES_SHOWN_MAX).map(({ atMs, op, device, reason, error }) => {
    const outcome = error === null ? '' : `: ${error}`;
    return wrapped(`${span(nowMs - atMs)} ago ${op} ${device} (${reason})${outcome}`, TAP_INDENT);
  });
  return ['LAST CHANGES', ...lines].join('\n');
}
