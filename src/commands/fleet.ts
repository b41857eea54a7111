import { realClock } from '../agent/clock.js';
import { type Fleet, type FleetHost, readFleet } from '../database/fleet.js';
import { DatabaseError, EXIT, type ExitCode } from '../model/index.js';
import { jsonOf, visible } from '../model/visible.js';
import type { Invocation } from './invocation.js';
import { withFailures } from './open-parts.js';
import { painter } from './text.js';

export interface FleetOptions {
  /** Pause between two looks; null: look once. */
  readonly watchMs: number | null;
}

/**
 * `fleet`: every host's heartbeat and ports, from the database alone. Exit 0; 1 when an agent is late or missing; 75; 78
 * when the database is of a generation without agents. With `--watch` it goes on until a signal ends it or nobody reads it any more, and a database
 * that is away is told and asked again.
 */
export async function fleet(invocation: Invocation, { watchMs }: FleetOptions): Promise<ExitCode> {
  if (watchMs === null) return withFailures(invocation.output, () => show(invocation));
  while (invocation.output.isRead()) {
    try {
      await show(invocation);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.kind === 'schema') {
        return withFailures(invocation.output, () => Promise.reject(error));
      }
      invocation.output.complain(error.message);
    }
    await new Promise<void>((settle) => realClock.after(watchMs, settle));
  }
  return EXIT.ok;
}

async function show({ loaded, json, output }: Invocation): Promise<ExitCode> {
  const seen = await readFleet(loaded.settings.database);
  if (seen.isCut) output.complain(CUT);
  output.print(json ? jsonOf(seen) : fleetAsText(visible(seen), output.colour));
  return seen.hosts.every(({ state }) => state === 'alive') ? EXIT.ok : EXIT.failed;
}

const CUT =
  'the tables hold more rows than are read (100,000 of agents, and as many of counts): hosts are missing here, or some of their ports';

const STATE_WORDS: Readonly<Record<FleetHost['state'], string>> = {
  alive: 'alive',
  late: 'LATE',
  'never-reported': 'NEVER REPORTED',
  'no-agent': 'NO AGENT',
};

/** The table for people. Ports of further statuses share a column, each with its word. */
function fleetAsText({ generation, lateAfterS, hosts }: Fleet, colour: boolean): string {
  const troubled = hosts.filter(({ state }) => state !== 'alive').length;
  const sharing = hosts.filter(({ sharesEndpointWith }) => sharesEndpointWith.length > 0).length;
  const shared = sharing === 0 ? '' : `, ${sharing} with another's tunnel endpoint`;
  const headline = `${hosts.length} host(s), ${troubled} without a living agent${shared} (${generation}: late after ${lateAfterS} s)`;
  if (hosts.length === 0) return headline;
  const rows = hosts.map((host) => [
    host.host,
    `${STATE_WORDS[host.state]}${host.adminUp === false ? ' (admin down)' : ''}`,
    host.heartbeatAgeS === null ? '-' : age(host.heartbeatAgeS),
    host.upForS === null ? '-' : age(host.upForS),
    String(host.devices ?? '-'),
    endpointIn(host),
    String(host.ports.ACTIVE ?? 0),
    String(host.ports.DOWN ?? 0),
    otherPorts(host),
  ]);
  const titles = [
    'HOST',
    'AGENT',
    'HEARTBEAT',
    'STARTED',
    'DEVICES',
    'ENDPOINT',
    'ACTIVE',
    'DOWN',
    'OTHER PORTS',
  ];
  const widths = titles.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  const paint = painter(colour);
  const isWell = (host: FleetHost | undefined): boolean =>
    host?.state === 'alive' && host.sharesEndpointWith.length === 0;
  const lines = rows.map((row, at) => (isWell(hosts[at]) ? line(row) : paint('bad', line(row))));
  return [headline, line(titles), ...lines].join('\n');
}

/** Where its tunnels end, and who else says so of his. */
const endpointIn = ({ endpoint, sharesEndpointWith: [other, ...more] }: FleetHost): string =>
  `${endpoint ?? '-'}${other === undefined ? '' : ` (ALSO ${other}${more.length === 0 ? '' : `, ${more.length} more`})`}`;

function otherPorts({ ports }: FleetHost): string {
  const others = Object.entries(ports).filter(([status]) => status !== 'ACTIVE' && status !== 'DOWN');
  return others.map(([status, amount]) => `${amount} ${status}`).join(', ');
}

/** Ages as people read them; a host whose clock is ahead has reported from the future. */
function age(seconds: number): string {
  if (seconds < 0) return `${-seconds} s ahead`;
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h ago` : `${Math.floor(seconds / 86_400)} d ago`;
}
