import { planOnce } from '../agent/single.js';
import { unservedBy } from '../database/unserved.js';
import { type AgentStatus, type Change, EXIT, type ExitCode, type TunnelStatus } from '../model/index.js';
import { ENDPOINT_WORDS, hostsInWords } from '../model/tunnel-words.js';
import { jsonOf, visible } from '../model/visible.js';
import { span } from '../model/words.js';
import type { ChainLink } from '../reconcile/tell/chain.js';
import { explain as chainOf } from '../reconcile/tell/explain.js';
import { explainedTunnel } from '../reconcile/tell/explain-tunnel.js';
import { type Note, networkNotes, notesOf } from '../reconcile/tell/notes.js';
import { questionAbout, type Subject, subjectsOf } from '../reconcile/tell/subject.js';
import { askStatus } from './ask.js';
import type { Invocation, Output } from './invocation.js';
import { withEdgesToSee, withFailures } from './open-parts.js';
import { painter, wrapped } from './text.js';

/** How many candidates are listed when `what` may mean several things. */
const CANDIDATES_MAX = 20;

/**
 * `explain WHAT`: why a port, tap, network or bridge is, or is not, wired: the chain from its row to its bridge, the first
 * broken link marked, and the last operation on it that the running agent remembers. `what` may be the beginning of a
 * name or id. Exit 0 wired, 1 not (also: no such thing, or several), 75 and 78 as everywhere.
 */
export async function explain({ loaded, json, output }: Invocation, what: string): Promise<ExitCode> {
  const { settings } = loaded;
  return withFailures(output, async () => {
    const planned = await withEdgesToSee(settings, (edges) => planOnce(edges, settings, questionAbout(what)));
    const { view } = planned.desired.world;
    const subjects = subjectsOf(what, view, planned.answer);
    const [subject, second] = subjects;
    if (subject === undefined || second !== undefined) {
      output.complain(subject === undefined ? nothing(what) : several(what, visible(subjects)));
      return EXIT.failed;
    }
    const port = subject.kind === 'port' ? subject.port : null;
    const network = subject.kind === 'port' ? (port?.networkId ?? null) : subject.id;
    const agent = await askStatus(settings.runDir);
    const running = agent.kind === 'answer' ? agent.value : null;
    const remembered = running?.networks.find(({ id }) => id === network)?.tunnel ?? null;
    const tunnel = network === null ? null : explainedTunnel(network, planned, remembered);
    const chain = chainOf(subject, { ...planned, view, tunnel, settings: settings.host });
    const wired = chain.every(({ holds }) => holds);
    const notes = [
      ...(port === null ? [] : notesOf(port, await unservedBy(settings.database, port.id))),
      ...(network === null ? [] : networkNotes(network, planned.report.warnings)),
    ];
    const last = lastOperation(running, subject);
    const explained = { subject, chain, notes, tunnel, wired };
    output.print(
      json
        ? jsonOf(asJson(explained, last.change), 2)
        : asText(visible(explained), visible(last), running?.nowMs ?? 0, output),
    );
    return wired ? EXIT.ok : EXIT.failed;
  });
}

const nothing = (what: string): string =>
  `no port, tap, network or bridge is called ${what}, or begins so; of what is not on this host give at least 11 characters`;

function several(what: string, subjects: readonly Subject[]): string {
  const names = subjects.slice(0, CANDIDATES_MAX).map(({ kind, name }) => `  ${kind} ${name}`);
  const more = subjects.length > names.length ? [`  and ${subjects.length - names.length} more`] : [];
  return [`${what} may be any of these, give more characters:`, ...names, ...more].join('\n');
}

interface Last {
  readonly change: Change | null;
  /** Why nothing is known, or when it was. */
  readonly text: string;
}

/** From the running agent, which alone remembers; without one the explanation is whole all the same. */
function lastOperation(running: AgentStatus | null, subject: Subject): Last {
  if (running === null) return { change: null, text: 'not known: no running agent could be asked' };
  const { changes, nowMs } = running;
  const change = changes.find((one) => concerns(one, subject)) ?? null;
  if (change === null) return { change, text: 'none that the running agent remembers' };
  const outcome = change.error === null ? 'done' : `FAILED: ${change.error}`;
  const { op, device, reason, atMs } = change;
  return { change, text: `${op} ${device}, ${span(nowMs - atMs)} ago (${reason}): ${outcome}` };
}

const concerns = ({ device, port, network }: Change, subject: Subject): boolean =>
  subject.kind === 'network'
    ? network === subject.id && port === null
    : device === subject.tapName || (port !== null && port === subject.id);

interface Explained {
  readonly subject: Subject;
  readonly chain: readonly ChainLink[];
  readonly notes: readonly Note[];
  readonly tunnel: TunnelStatus | null;
  readonly wired: boolean;
}

function asJson({ subject, chain, notes, tunnel, wired }: Explained, change: Change | null): object {
  return {
    kind: subject.kind,
    ...(subject.kind === 'port' ? { port: subject.id, tap: subject.tapName } : { network: subject.id }),
    wired,
    broken: chain.find(({ holds }) => !holds)?.name ?? null,
    chain,
    notes,
    tunnel,
    lastOperation: change,
  };
}

/** What is said of a link of the chain, or beside it. */
type Said = Pick<ChainLink, 'text' | 'remedy' | 'code'>;

const NAME_WIDTH = 12;

function asText(
  { subject, chain, notes, tunnel, wired }: Explained,
  { text }: Last,
  nowMs: number,
  { colour }: Output,
): string {
  const paint = painter(colour);
  const first = chain.find(({ holds }) => !holds);
  const linesOf = (sign: string, colour: Parameters<typeof paint>[0], name: string, said: Said): string[] => {
    const head = `${sign}  ${name.padEnd(NAME_WIDTH)}  `;
    const body = wrapped(said.text, head.length).slice(head.length);
    const advice = said.remedy === null ? [] : [wrapped(adviceOf(said), head.length)];
    return [paint(colour, head) + body, ...advice];
  };
  const lines = chain.flatMap((link) => {
    if (link.holds) return linesOf('ok', 'good', link.name, link);
    return link === first ? linesOf('=>', 'bad', link.name, link) : linesOf('--', 'quiet', link.name, link);
  });
  const verdict = wired ? paint('good', 'wired') : paint('bad', 'NOT WIRED');
  return [
    `${subject.kind} ${subject.name}: ${verdict}`,
    ...lines,
    ...(tunnel === null ? [] : endpointLines(tunnel, nowMs)),
    ...notes.flatMap((note) => linesOf('!!', 'doubtful', 'note', note)),
    wrapped(`last operation: ${text}`, 0),
  ].join('\n');
}

const ADDRESS_WIDTH = 15;
const HOST_WIDTH = 20;

/** Every other host that the tunnel leads to, and why one is none. */
function endpointLines({ device, endpoints }: TunnelStatus, nowMs: number): string[] {
  if (endpoints.length === 0) return [];
  const lines = endpoints.map((one) => {
    const { endpoint, state, why, sinceMs } = one;
    const head = `  ${(endpoint ?? '-').padEnd(ADDRESS_WIDTH)}  ${hostsInWords(one).padEnd(HOST_WIDTH)}  `;
    const age = sinceMs === null ? '' : `, for ${span(nowMs - sinceMs)}`;
    const said = `${ENDPOINT_WORDS[state]}${age}${why === null ? '' : `: ${why}`}`;
    return head + wrapped(said, head.length).slice(head.length);
  });
  return [`endpoints of ${device}:`, ...lines];
}

const adviceOf = ({ code, remedy }: Said): string => (code === null ? `${remedy}` : `${code}: ${remedy}`);
