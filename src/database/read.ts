import type { Knex } from 'knex';
import type { Answer, BridgeQuestion, Question, TapQuestion } from '../model/database.js';
import { networkId, portId } from '../model/ids.js';
import { deviceOf, ID_PREFIX_LENGTH, isUsableId, suffixMatches } from '../model/names.js';
import type { Network, Port } from '../model/port.js';
import { isSame } from '../model/same.js';
import type { Warning } from '../model/warning.js';
import type { Connection, Row, Select, ServerState } from './connection.js';
import type { DecodedPort, Generation } from './generations/generation.js';
import { integer, shown, text } from './generations/values.js';
import { matching, statementsOf, type Term } from './lookup.js';

/** What a read has found, and by which question: the next read with the same one builds on it. */
export interface Reading {
  readonly question: Question;
  readonly server: ServerState;
  readonly ports: Found<DecodedPort>;
  readonly networks: Found<Network>;
  readonly isRowMissing: boolean;
  readonly answer: Answer;
}

/** SELECTs, the rows that they gave, and what was made of these. */
interface Found<Item> {
  readonly statements: readonly Select[];
  readonly rows: readonly Row[];
  readonly items: readonly Item[];
}

/**
 * Reads one snapshot: the server's state, ports and networks; a probe for empty tables only when something that is here
 * has no row. `host` is the one whose bindings are `here`. An answer that is as in `before` is the same object. Rejects
 * with the driver's error; the connection must not be used again then, because its transaction may still be open.
 */
export async function readSnapshot(
  connection: Connection,
  generation: Generation,
  question: Question,
  host: string,
  before: Reading | null = null,
): Promise<Reading> {
  const last = before !== null && isSame(before.question, question) ? before : null;
  if (last !== null && !last.isRowMissing && (await isAsBefore(connection, last)))
    return { ...last, question };
  return readAnew(connection, generation, question, host, last);
}

/** Asks for the rows that were found before: mostly nothing has changed, and all of it is known beforehand. */
async function isAsBefore(connection: Connection, { server, ports, networks }: Reading): Promise<boolean> {
  const now = await connection.wholeSnapshot([...ports.statements, ...networks.statements]);
  return (
    isSame(now.server, server) &&
    sameRows(ports.rows, now.rows.slice(0, ports.statements.length).flat()) &&
    sameRows(networks.rows, now.rows.slice(ports.statements.length).flat())
  );
}

async function readAnew(
  connection: Connection,
  generation: Generation,
  question: Question,
  host: string,
  last: Reading | null,
): Promise<Reading> {
  const wanted = last?.ports.statements ?? portStatements(connection, generation, question.taps);
  const { server, rows: parts } = await connection.beginSnapshot(wanted);
  const rows = parts.flat();
  const ports = found(last?.ports ?? null, wanted, rows, () =>
    decodePorts(generation, rows, question.taps, host),
  );
  const arePortsSame = ports === last?.ports;
  const networks = await readNetworks(
    connection,
    generation,
    ports.items,
    question.bridges,
    arePortsSame ? last.networks : null,
  );
  const areRowsSame = arePortsSame && networks === last.networks;
  const isMissing = areRowsSame ? last.isRowMissing : isRowMissing(question, ports.items, networks.items);
  const emptyTables = isMissing ? await probeEmptyTables(connection, generation) : [];
  await connection.endSnapshot();
  if (areRowsSame && isSame([last.server, last.answer.emptyTables], [server, emptyTables])) {
    return { ...last, question };
  }
  const answer: Answer = {
    generation: generation.name,
    hasHosts: generation.hasHosts,
    ports: portsIn(ports.items),
    networks: networks.items,
    server: server.identity,
    suspect: server.suspect,
    emptyTables,
    warnings: ports.items.flatMap((entry) => (entry.ok ? [] : [badRow(entry)])),
  };
  return { question, server, ports, networks, isRowMissing: isMissing, answer };
}

const portsIn = (decoded: readonly DecodedPort[]): Port[] =>
  decoded.flatMap((entry) => (entry.ok ? [entry.port] : []));

/** Rows that are the same mean the same. */
const found = <Item>(
  before: Found<Item> | null,
  statements: readonly Select[],
  rows: readonly Row[],
  decode: () => readonly Item[],
): Found<Item> =>
  before !== null && sameRows(before.rows, rows) ? before : { statements, rows, items: decode() };

const sameRows = (before: readonly Row[], now: readonly Row[]): boolean =>
  before.length === now.length && before.every((row, at) => sameRow(row, now[at] ?? {}));

function sameRow(before: Row, now: Row): boolean {
  for (const column in before) if (!sameValue(before[column], now[column])) return false;
  return true;
}

/** Columns of binary types arrive as bytes. */
const sameValue = (before: unknown, now: unknown): boolean =>
  before === now || (Buffer.isBuffer(before) && Buffer.isBuffer(now) && before.equals(now));

const portStatements = (
  { builder, server }: Connection,
  generation: Generation,
  taps: readonly TapQuestion[],
): readonly Select[] =>
  statementsOf(generation.portTerms(taps), server.engine).map((terms) =>
    matching(generation.selectPorts(builder), terms, server.engine),
  );

function decodePorts(
  generation: Generation,
  rows: readonly Row[],
  taps: readonly TapQuestion[],
  host: string,
): DecodedPort[] {
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
  ports: readonly DecodedPort[],
  bridges: readonly BridgeQuestion[],
  before: Found<Network> | null,
): Promise<Found<Network>> {
  const ids = new Set<string>(portsIn(ports).map((port) => port.networkId));
  const suffixes = new Set<string>();
  for (const bridge of bridges) {
    if (bridge.by === 'id') ids.add(bridge.id);
    else suffixes.add(bridge.suffix);
  }
  const statements =
    before?.statements ??
    statementsOf(networkTerms(ids, suffixes), connection.server.engine).map((terms) =>
      selectNetworks(connection, generation, terms),
    );
  const rows: Row[] = [];
  for (const statement of statements) rows.push(...(await connection.select(statement)));
  const isWanted = (id: string): boolean =>
    ids.has(id) || [...suffixes].some((suffix) => suffixMatches(suffix, id));
  return found(before, statements, rows, () =>
    collectNetworks(
      rows.filter((row) => isWanted(text(row.network_id) ?? '')),
      generation,
    ),
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
function selectNetworks(
  { builder, server }: Connection,
  generation: Generation,
  terms: readonly Term[],
): Knex.QueryBuilder {
  const [networks, bindings] = generation.networkHalves.map((half) =>
    matching(
      half.select(builder),
      terms.map((term) => ({ ...term, column: half.column })),
      server.engine,
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
    const own = byId.get(id);
    if (own === undefined) byId.set(id, [row]);
    else own.push(row);
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

/** Essex names a tap after the row's interface id, and not after its key. */
function badRow(entry: Extract<DecodedPort, { ok: false }>): Warning {
  const { id, interfaceId, problem } = entry;
  return {
    code: 'PORT_BAD_ROW',
    message: `The row of port ${shown(id)} cannot be used: ${problem}.`,
    ...(isUsableId(id) ? { port: portId(id) } : {}),
    ...(isUsableId(interfaceId) ? { device: deviceOf(entry) } : {}),
  };
}
