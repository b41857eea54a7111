import type { Answer, Question, TapQuestion } from '../model/database.js';
import { networkId, portId } from '../model/ids.js';
import { deviceOf, ID_PREFIX_LENGTH, isUsableId, lookedForBy } from '../model/names.js';
import type { Network, Port } from '../model/port.js';
import { isSame } from '../model/same.js';
import type { Warning } from '../model/warning.js';
import { type Connection, originOf, type Row, type Select, type ServerState } from './connection.js';
import { type Found, found } from './found.js';
import type { DecodedPort, Generation } from './generations/generation.js';
import { shown } from './generations/values.js';
import { inPieces, type Looked, looked, needsPieces, partsOf } from './looked.js';
import { type Lookup, lookupsOf, matching } from './lookup.js';
import { isRowMissing, probeEmptyTables, refuseHiddenRows } from './missing-rows.js';
import {
  areSameNetworks,
  decodeNetworks,
  networkLookups,
  spellingOf,
  type WantedNetworks,
  wantedNetworks,
} from './read-networks.js';

/** What a read has found, and by which question: the next read with the same one builds on it. */
export interface Reading {
  readonly question: Question;
  readonly server: ServerState;
  readonly ports: Found<DecodedPort>;
  readonly networks: Found<Network>;
  readonly isRowMissing: boolean;
  /** This agent's own; no part of the answer, which is the same for as long as its rows are. */
  readonly heartbeat: string | null;
  readonly answer: Answer;
}

/**
 * Reads one snapshot: the server's state, ports and networks; a probe for empty tables only when something that is here
 * has no row. `host` is the one whose bindings are `here`. An answer that is as in `before` is the same object. Rejects
 * with the driver's error; the connection must not be used again then, because its transaction may still be open.
 */
export async function readSnapshot(
  source: Source,
  question: Question,
  host: string,
  before: Reading | null = null,
): Promise<Reading> {
  const reader = { ...source, question, host };
  const last = before !== null && asksForTheSame(before.question, question) ? before : null;
  if (last === null || last.isRowMissing) return readAnew(reader, last, before);
  return (await readAgain(reader, last)) ?? readAnew(reader, last, null);
}

/** Where is read, and by which SELECT this agent's own heartbeat, see `heartbeatOf`. */
export interface Source {
  readonly connection: Connection;
  readonly generation: Generation;
  readonly heartbeat: Select | null;
}

/** What one read works with. */
interface Reader extends Source {
  readonly question: Question;
  readonly host: string;
}

/** Whether a tap is wired does not change what is asked for. */
const asksForTheSame = (before: Question, now: Question): boolean =>
  before === now ||
  (before.taps.length === now.taps.length &&
    now.taps.every((tap, at) => isSameTap(tap, before.taps[at])) &&
    isSame(before.bridges, now.bridges));

const isSameTap = (tap: TapQuestion, other: TapQuestion | undefined): boolean =>
  other?.by === tap.by && lookedForBy(other) === lookedForBy(tap);

/**
 * Asks for the rows that were found before, all at once: mostly nothing has changed. null: other networks have to be
 * asked for now, or something that is here has no row any more, which takes a probe in the same snapshot.
 */
async function readAgain(reader: Reader, last: Reading): Promise<Reading | null> {
  const lookups = [...last.ports.lookups, ...last.networks.lookups];
  const statements = lookups.map(({ statement }) => statement);
  const now = await reader.connection.wholeSnapshot(statements, reader.heartbeat);
  const parts = partsOf(lookups, now.rows);
  if (parts.some(needsPieces)) return null;
  const count = last.ports.lookups.length;
  const ports = foundPorts(reader, last.ports, looked(parts.slice(0, count)));
  const wanted = { question: reader.question, ports };
  if (ports !== last.ports && !areSameNetworks(wantedIn(wanted), wantedIn(last))) return null;
  const networks = foundNetworks(reader, last.networks, looked(parts.slice(count)), ports);
  const reading = {
    question: reader.question,
    server: now.server,
    heartbeat: now.heartbeat,
    ports,
    networks,
  };
  return isMissingIn(reading, last) ? null : concluded(reader, { ...reading, isRowMissing: false }, [], last);
}

/**
 * Asks for ports, and with them for the networks of `guessed`: a new port is mostly of a network that is here. Otherwise
 * the right networks are asked for in the same snapshot.
 */
async function readAnew(reader: Reader, last: Reading | null, guessed: Reading | null): Promise<Reading> {
  const { connection, generation, question } = reader;
  const wanted = last?.ports.lookups ?? portLookups(connection, generation, question.taps);
  const lookups = [...wanted, ...(guessed?.networks.lookups ?? [])];
  const statements = lookups.map(({ statement }) => statement);
  const { server, rows, heartbeat } = await connection.beginSnapshot(statements, reader.heartbeat);
  const parts = partsOf(lookups, rows);
  const portParts = await inPieces(connection, parts.slice(0, wanted.length));
  const ports = foundPorts(reader, last?.ports ?? null, looked(portParts));
  const isGuessRight = guessed !== null && areSameNetworks(wantedIn({ question, ports }), wantedIn(guessed));
  const guess = parts.slice(wanted.length);
  const networks =
    isGuessRight && !guess.some(needsPieces)
      ? foundNetworks(reader, guessed.networks, looked(guess), ports)
      : await readNetworks(reader, ports);
  const reading = { question, server, heartbeat, ports, networks };
  const isRowMissing = isMissingIn(reading, last);
  const isProbed = last?.isRowMissing === true && areRowsSame(reading, last);
  if (isRowMissing && !isProbed) await refuseHiddenRows(connection, [ports, networks]);
  const emptyTables = isRowMissing ? await probeEmptyTables(connection, generation) : [];
  await connection.endSnapshot();
  return concluded(reader, { ...reading, isRowMissing }, emptyTables, last);
}

const isMissingIn = (now: Omit<Reading, 'answer' | 'isRowMissing'>, last: Reading | null): boolean =>
  last !== null && areRowsSame(now, last) && isSame(now.question, last.question)
    ? last.isRowMissing
    : isRowMissing(now.question, now.ports.items, now.networks.items);

type Rows = Pick<Reading, 'ports' | 'networks'>;

const areRowsSame = (now: Rows, last: Rows): boolean =>
  now.ports === last.ports && now.networks === last.networks;

function concluded(
  { generation, connection }: Reader,
  now: Omit<Reading, 'answer'>,
  emptyTables: readonly string[],
  last: Reading | null,
): Reading {
  const { server, ports, networks } = now;
  if (last !== null && areRowsSame(now, last)) {
    const isAsBefore = isSame([server, emptyTables], [last.server, last.answer.emptyTables]);
    if (isAsBefore) return { ...now, answer: last.answer };
  }
  const answer: Answer = {
    generation: generation.name,
    hasHosts: generation.hasHosts,
    ports: withSpelling(portsIn(ports.items), networks.items),
    networks: networks.items,
    server: originOf(connection, server),
    suspect: server.suspect,
    behind: null,
    emptyTables,
    warnings: ports.items.flatMap((entry) => (entry.ok ? [] : [badRow(entry)])),
  };
  return { ...now, answer };
}

/** Ports name their networks as those are spelled. */
function withSpelling(ports: readonly Port[], networks: readonly Network[]): Port[] {
  const spelled = spellingOf(networks.map(({ id }) => id));
  return ports.map((port) => {
    const id = spelled(port.networkId);
    return id === port.networkId ? port : { ...port, networkId: networkId(id) };
  });
}

const portsIn = (decoded: readonly DecodedPort[]): Port[] =>
  decoded.flatMap((entry) => (entry.ok ? [entry.port] : []));

const portLookups = (
  { builder, server }: Connection,
  generation: Generation,
  taps: readonly TapQuestion[],
): readonly Lookup[] =>
  lookupsOf(generation.portTerms(taps), server.engine, (terms) =>
    matching(generation.selectPorts(builder), terms, server.engine),
  );

const wantedIn = ({ question, ports }: Pick<Reading, 'question' | 'ports'>): WantedNetworks =>
  wantedNetworks(portsIn(ports.items), question.bridges);

async function readNetworks(reader: Reader, ports: Found<DecodedPort>): Promise<Found<Network>> {
  const { connection, generation, question } = reader;
  const lookups = networkLookups(connection, generation, wantedIn({ question, ports }));
  const rows: (readonly Row[])[] = [];
  for (const { statement } of lookups) rows.push(await connection.select(statement));
  const parts = await inPieces(connection, partsOf(lookups, rows));
  return foundNetworks(reader, null, looked(parts), ports);
}

const foundNetworks = (
  { generation, question }: Reader,
  before: Found<Network> | null,
  now: Looked,
  ports: Found<DecodedPort>,
): Found<Network> => found(before, now, () => decodeNetworks(now, generation, wantedIn({ question, ports })));

const foundPorts = (
  { generation, question, host }: Reader,
  before: Found<DecodedPort> | null,
  now: Looked,
): Found<DecodedPort> => found(before, now, () => decodePorts(generation, now, question.taps, host));

function decodePorts(
  generation: Generation,
  { rows, cut }: Looked,
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
  return [...byId.values(), ...crowded(generation.decodePorts(cut, host), isWanted)];
}

/** One for each tap that has more rows than can be read: which of them is meant stands perhaps in another. */
function crowded(decoded: readonly DecodedPort[], isWanted: ReturnType<typeof portFilter>): DecodedPort[] {
  const byName = new Map<string, DecodedPort>();
  for (const entry of decoded) {
    const { id, interfaceId, deviceName } = entry.ok ? entry.port : entry;
    if (!isWanted(id, interfaceId)) continue;
    const problem = 'more rows stand for its tap than can be read';
    byName.set(interfaceId.slice(0, ID_PREFIX_LENGTH), { ok: false, id, interfaceId, deviceName, problem });
  }
  return [...byName.values()];
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
