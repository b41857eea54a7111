import type { Answer, BridgeQuestion, Question, TapQuestion } from '../model/database.js';
import { networkId, portId } from '../model/ids.js';
import { ID_PREFIX_LENGTH, isUsableId, suffixMatches } from '../model/names.js';
import type { Network, Port } from '../model/port.js';
import type { Warning } from '../model/warning.js';
import type { Connection, Row } from './connection.js';
import type { DecodedPort, Generation } from './generations/generation.js';
import { integer, shown, text } from './generations/values.js';
import { matching, statementsOf, type Term } from './lookup.js';

/**
 * Reads one snapshot: BEGIN with the server's state, ports, networks, COMMIT; a probe for empty tables only
 * when something that is here has no row. `host` is the one whose bindings are `here`. Rejects with the
 * driver's error; the connection must not be used again then, because its transaction is still open.
 */
export async function readSnapshot(
  connection: Connection,
  generation: Generation,
  question: Question,
  host: string,
): Promise<Answer> {
  const state = await connection.beginSnapshot();
  const decoded = await readPorts(connection, generation, question.taps, host);
  const ports = decoded.flatMap((entry) => (entry.ok ? [entry.port] : []));
  const networks = await readNetworks(connection, generation, ports, question.bridges);
  const emptyTables = isRowMissing(question, decoded, networks)
    ? await probeEmptyTables(connection, generation)
    : [];
  await connection.endSnapshot();
  return {
    generation: generation.name,
    hasHosts: generation.hasHosts,
    ports,
    networks,
    server: state.identity,
    suspect: state.suspect,
    emptyTables,
    warnings: decoded.flatMap((entry) => (entry.ok ? [] : [badRow(entry)])),
  };
}

async function readPorts(
  connection: Connection,
  generation: Generation,
  taps: readonly TapQuestion[],
  host: string,
): Promise<readonly DecodedPort[]> {
  const rows: Row[] = [];
  for (const terms of statementsOf(generation.portTerms(taps))) {
    rows.push(...(await connection.select(matching(generation.selectPorts(connection.builder), terms))));
  }
  const isWanted = portFilter(taps);
  const byId = new Map<string, DecodedPort>();
  for (const entry of generation.decodePorts(rows, host)) {
    const { id, interfaceId } = entry.ok ? entry.port : entry;
    // Two statements may find one row; a range or a collation may find rows that were not meant.
    if (isWanted(id, interfaceId)) byId.set(id, entry);
  }
  return [...byId.values()];
}

/** The exact, case-sensitive test that the database's collation may have done more loosely. */
function portFilter(taps: readonly TapQuestion[]): (id: string, interfaceId: string) => boolean {
  const ids = new Set<string>();
  const whole = new Set<string>();
  const prefixes = new Set<string>();
  for (const tap of taps) {
    if (tap.by === 'id') ids.add(tap.id);
    else if (tap.by === 'device') whole.add(tap.device);
    else if (tap.suffix.length === ID_PREFIX_LENGTH) prefixes.add(tap.suffix);
    else whole.add(tap.suffix);
  }
  return (id, interfaceId) =>
    ids.has(id) || whole.has(interfaceId) || prefixes.has(interfaceId.slice(0, ID_PREFIX_LENGTH));
}

async function readNetworks(
  connection: Connection,
  generation: Generation,
  ports: readonly Port[],
  bridges: readonly BridgeQuestion[],
): Promise<readonly Network[]> {
  const ids = new Set<string>(ports.map((port) => port.networkId));
  const suffixes = new Set<string>();
  for (const bridge of bridges) {
    if (bridge.by === 'id') ids.add(bridge.id);
    else suffixes.add(bridge.suffix);
  }
  const rows: Row[] = [];
  for (const terms of statementsOf(networkTerms(ids, suffixes))) {
    rows.push(...(await connection.select(selectNetworks(connection, generation, terms))));
  }
  const isWanted = (id: string): boolean =>
    ids.has(id) || [...suffixes].some((suffix) => suffixMatches(suffix, id));
  return collectNetworks(
    rows.filter((row) => isWanted(text(row.network_id) ?? '')),
    generation,
  );
}

function networkTerms(ids: ReadonlySet<string>, suffixes: ReadonlySet<string>): readonly Term[] {
  const usable = (values: ReadonlySet<string>): string[] => [...values].filter(isUsableId);
  return [
    ...usable(ids).map((equal) => ({ column: '', equal })),
    ...usable(suffixes).map((suffix) =>
      suffix.length === ID_PREFIX_LENGTH ? { column: '', prefix: suffix } : { column: '', equal: suffix },
    ),
  ];
}

/** Rows of networks and of their bindings in one SELECT: each half is a lookup on its own index. */
function selectNetworks({ builder }: Connection, generation: Generation, terms: readonly Term[]) {
  const [networks, bindings] = generation.networkHalves.map((half) =>
    matching(
      half.select(builder),
      terms.map((term) => ({ ...term, column: half.column })),
    ),
  );
  if (networks === undefined || bindings === undefined)
    throw new Error('a generation has two network halves');
  return networks.unionAll(bindings);
}

function collectNetworks(rows: readonly Row[], generation: Generation): readonly Network[] {
  const byId = new Map<string, Row[]>();
  for (const row of rows) {
    const id = text(row.network_id) ?? '';
    byId.set(id, [...(byId.get(id) ?? []), row]);
  }
  return [...byId].map(([id, own]) => {
    const network = own.find((row) => integer(row.is_network) === 1);
    return {
      id: networkId(id),
      rowPresent: network !== undefined,
      segments: own.filter((row) => integer(row.is_network) === 0).map(generation.segmentOf),
      mtu: integer(network?.mtu ?? null),
    };
  });
}

/**
 * Whether a wired tap has no port row, a port has no network, or a bridge that is here lacks its network or its binding.
 */
function isRowMissing(
  question: Question,
  decoded: readonly DecodedPort[],
  networks: readonly Network[],
): boolean {
  const ports = decoded.map((entry) => (entry.ok ? entry.port : entry));
  const ids = new Set<string>(ports.map(({ id }) => id));
  const names = new Set(
    ports.flatMap(({ interfaceId }) => [interfaceId, interfaceId.slice(0, ID_PREFIX_LENGTH)]),
  );
  const hasPort = (tap: TapQuestion): boolean =>
    tap.by === 'id' ? ids.has(tap.id) : names.has(tap.by === 'device' ? tap.device : tap.suffix);
  const whole = networks.filter(({ rowPresent, segments }) => rowPresent && segments.length > 0);
  const wholeIds = new Set<string>(whole.map(({ id }) => id));
  const isWhole = (bridge: BridgeQuestion): boolean =>
    bridge.by === 'id' ? wholeIds.has(bridge.id) : whole.some(({ id }) => suffixMatches(bridge.suffix, id));
  const found = new Set<string>(networks.map(({ id }) => id));
  return (
    question.taps.some((tap) => tap.wired && !hasPort(tap)) ||
    decoded.some((entry) => entry.ok && !found.has(entry.port.networkId)) ||
    !question.bridges.every(isWhole)
  );
}

async function probeEmptyTables(connection: Connection, generation: Generation): Promise<readonly string[]> {
  const { builder } = connection;
  const probes = generation.mustHaveRows.map((table) =>
    builder.raw('exists (select 1 from ??) as ??', [table, table]),
  );
  const [row] = await connection.select(builder.select(probes));
  // PostgreSQL answers with a boolean, MySQL with 1 or 0.
  return generation.mustHaveRows.filter((table) => row !== undefined && !row[table]);
}

function badRow(entry: Extract<DecodedPort, { ok: false }>): Warning {
  const message = `The row of port ${shown(entry.id)} cannot be used: ${entry.problem}.`;
  return isUsableId(entry.id)
    ? { code: 'PORT_BAD_ROW', message, port: portId(entry.id) }
    : { code: 'PORT_BAD_ROW', message };
}
