import { type BridgeQuestion, DatabaseError, type Question, type TapQuestion } from '../model/database.js';
import type { ForwardingAnswer } from '../model/forwarding.js';
import { ID_PREFIX_LENGTH, lookedForBy, suffixMatches } from '../model/names.js';
import type { Network } from '../model/port.js';
import type { Connection } from './connection.js';
import { endpointOf } from './errors.js';
import type { ForwardingSource } from './forwarding/source.js';
import type { DecodedPort, Generation } from './generations/generation.js';
import { integer } from './generations/values.js';
import type { Looked } from './looked.js';
import { spellingOf } from './read-networks.js';

/**
 * Whether a wired tap has no port row, a port has no network, or a bridge that is here lacks its network or its binding.
 */
export function isRowMissing(
  question: Question,
  decoded: readonly DecodedPort[],
  networks: readonly Network[],
): boolean {
  const ports = decoded.map((entry) => (entry.ok ? entry.port : entry));
  const ids = new Set<string>(ports.map(({ id }) => id));
  // Of a host that has been served for a while no tap is asked for by its name.
  const named = question.taps.some(({ by }) => by !== 'id') ? ports : [];
  const names = new Set(
    named.flatMap(({ interfaceId }) => [interfaceId, interfaceId.slice(0, ID_PREFIX_LENGTH)]),
  );
  const hasPort = (tap: TapQuestion): boolean => (tap.by === 'id' ? ids : names).has(lookedForBy(tap));
  const whole = networks.filter(({ rowPresent, segments }) => rowPresent && segments.length > 0);
  const wholeIds = new Set<string>(whole.map(({ id }) => id));
  const isWhole = (bridge: BridgeQuestion): boolean =>
    bridge.by === 'id' ? wholeIds.has(bridge.id) : whole.some(({ id }) => suffixMatches(bridge.suffix, id));
  const found = new Set<string>(networks.map(({ id }) => id));
  const spelled = spellingOf([...found]);
  return (
    question.taps.some((tap) => tap.wired && !hasPort(tap)) ||
    decoded.some((entry) => entry.ok && !found.has(spelled(entry.port.networkId))) ||
    !question.bridges.every(isWhole)
  );
}

/** Whether networks have tunnels here, and no port of any of them is bound to this host: bindings may be gone. */
export const isNowhere = (answer: ForwardingAnswer | null, host: string): boolean =>
  answer !== null &&
  answer.tunnels.length > 0 &&
  answer.tunnels.every(({ segment }) => answer.hosts.get(segment)?.includes(host) === false);

/** Which of the tables that must have rows have none, those of tunnels among them where they are read. Rejects with the driver's error. */
export async function probeEmptyTables({
  connection,
  generation,
  forwarding,
}: {
  readonly connection: Connection;
  readonly generation: Generation;
  readonly forwarding?: ForwardingSource | null;
}): Promise<readonly string[]> {
  const { builder } = connection;
  const ofTunnels = forwarding
    ? [forwarding.bindings.table, ...(forwarding.hasAgents ? ['agents'] : [])]
    : [];
  const tables = [...new Set([...generation.mustHaveRows, ...ofTunnels])];
  const probes = tables.map((table) =>
    builder.raw('exists ? as ??', [builder(table).select(builder.raw('1')), table]),
  );
  const [row] = await connection.select(builder.select(probes).limit(1));
  // PostgreSQL answers with a boolean, MySQL with 1 or 0.
  return tables.filter((table) => row !== undefined && !row[table]);
}

/**
 * Asks the server to count what the lookups find: a proxy that cuts rows off does so in silence, and a row that is missing
 * for that would look deleted. Throws DatabaseError `rows-hidden`. Rejects with the driver's error.
 */
export async function refuseHiddenRows(connection: Connection, found: readonly Looked[]): Promise<void> {
  const { builder, server } = connection;
  const counts = found
    .flatMap(({ lookups }) => lookups)
    .map(({ statement }, at) =>
      builder.raw('(select count(*) from ? as found) as ??', [statement, `lookup_${at}`]),
    );
  if (counts.length === 0) return;
  const [row] = await connection.select(builder.select(counts).limit(1));
  const counted = Object.values(row ?? {}).reduce<number>((sum, count) => sum + (integer(count) ?? 0), 0);
  const given = found.reduce((sum, { rows, cut }) => sum + rows.length + cut.length, 0);
  if (row !== undefined && counted === given) return;
  throw new DatabaseError(
    'rows-hidden',
    `${endpointOf(server)} counts ${row === undefined ? 'no' : counted} rows for this host and gave ${given}: something on the way keeps rows back.`,
  );
}
