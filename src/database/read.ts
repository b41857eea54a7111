import type { Answer, Question, TapQuestion } from '../model/database.js';
import { networkId, portId } from '../model/ids.js';
import { deviceOf, ID_PREFIX_LENGTH, isUsableId, lookedForBy } from '../model/names.js';
import type { Network, Port } from '../model/port.js';
import { isSame } from '../model/same.js';
import type { Warning } from '../model/warning.js';
import { type Connection, originOf, type Row, type Select, type ServerState } from './connection.js';
import { forwardingAgain, forwardingAnew, forwardingQuestion } from './forwarding/part.js';
import type { ForwardingReading } from './forwarding/read.js';
import type { ForwardingSource } from './forwarding/source.js';
import { areSameRows, type Found, found, hasSameRows } from './found.js';
import type { DecodedPort, Generation } from './generations/generation.js';
import { shown, text } from './generations/values.js';
import { inPieces, type Looked, looked, needsPieces, type Part } from './looked.js';
import { type Lookup, lookupsOf, matching } from './lookup.js';
import { isNowhere, isRowMissing, probeEmptyTables, refuseHiddenRows } from './missing-rows.js';
import {
  areSameNetworks,
  decodeNetworks,
  networkLookups,
  spellingOf,
  type WantedNetworks,
  wantedNetworks,
} from './read-networks.js';

/** What a read has found, and by which question: the next one builds on it. Each part is the same as long as its rows are. */
export interface Reading {
  readonly question: Question;
  readonly server: ServerState;
  readonly ports: FoundPorts;
  readonly networks: Found<Network>;
  readonly isRowMissing: boolean;
  /** That, or this host is where no tunnel leads: tables may be empty. */
  readonly isProbed: boolean;
  /** null: no network has a tunnel here. */
  readonly forwarding: ForwardingReading | null;
  /** This agent's own; no part of the answer, which is the same for as long as its rows are. */
  readonly heartbeat: string | null;
  readonly answer: Answer;
}

/** Where is read, and by which SELECT this agent's own heartbeat, see `heartbeatOf`. */
export interface Source {
  readonly connection: Connection;
  readonly generation: Generation;
  readonly heartbeat: Select | null;
  /** How to ask who is behind which tunnel; absent or null: it is not asked. */
  readonly forwarding?: ForwardingSource | null;
}

/** What one read works with. */
interface Reader extends Source {
  readonly question: Question;
  readonly host: string;
  readonly before: Reading | null;
  /** The one before has asked for the same ports. */
  readonly isSameQuestion: boolean;
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
  const isSameQuestion = before !== null && asksForTheSame(before.question, question);
  const reader = { ...source, question, host, before, isSameQuestion };
  // Mostly nothing has changed, and one round trip does: nothing else can be asked in it.
  const isEnough = isSameQuestion && !before.isProbed;
  return (isEnough ? await readIn('wholeSnapshot', reader) : null) ?? readOpen(reader);
}

/** Whether a tap is wired does not change what is asked for. */
const asksForTheSame = (before: Question, now: Question): boolean =>
  before === now ||
  (before.taps.length === now.taps.length &&
    now.taps.every((tap, at) => isSameTap(tap, before.taps[at])) &&
    isSame([before.bridges, before.vnis], [now.bridges, now.vnis]));

const isSameTap = (tap: TapQuestion, other: TapQuestion | undefined): boolean =>
  other?.by === tap.by && lookedForBy(other) === lookedForBy(tap);

async function readOpen(reader: Reader): Promise<Reading> {
  const reading = await readIn('beginSnapshot', reader);
  if (reading === null) throw new Error('an open snapshot can be asked for everything');
  return reading;
}

/** null: the snapshot has ended, and more than it was asked for has to be known. */
async function readIn(manner: 'wholeSnapshot' | 'beginSnapshot', reader: Reader): Promise<Reading | null> {
  const { connection, generation, question, before, isSameQuestion } = reader;
  const isOver = manner === 'wholeSnapshot';
  const portLookups =
    isSameQuestion && before !== null ? before.ports.lookups : lookupsOfPorts(reader, question.taps);
  // A new port is mostly of a network that is here: those are asked for at the same time.
  const networksBefore = before?.networks.lookups ?? [];
  const tunnelAsks = before?.forwarding?.asks ?? [];
  const { server, heartbeat, partsOf, further } = await ask(
    manner,
    reader,
    [...portLookups, ...networksBefore],
    tunnelAsks.map(({ statement }) => statement),
  );
  const portParts = partsOf(portLookups);
  if (isOver && portParts.some(needsPieces)) return null;
  const ports = foundPorts(reader, looked(await inPieces(connection, portParts)));
  const wanted = wantedNetworks(portsIn(ports.items), question.bridges);
  const areAsked = before !== null && areNetworksOf(before, ports, wanted);
  const networkParts = areAsked ? partsOf(networksBefore) : null;
  if (isOver && (networkParts === null || networkParts.some(needsPieces))) return null;
  const asked = networkParts ?? (await select(connection, networkLookups(connection, generation, wanted)));
  const networks = found(
    areAsked ? before.networks : null,
    looked(await inPieces(connection, asked)),
    (now) => decodeNetworks(now, generation, wanted),
  );

  const isUnchanged = before !== null && ports === before.ports && networks === before.networks;
  const tunnels = isUnchanged
    ? (before.forwarding?.question ?? null)
    : forwardingQuestion(portsIn(ports.items), networks.rows, question.vnis);
  const forwardingBefore = before?.forwarding ?? null;
  const heard = forwardingAgain(reader, forwardingBefore, tunnels, further);
  if (isOver && heard === undefined) return null;
  const forwarding = heard === undefined ? await forwardingAnew(reader, forwardingBefore, tunnels) : heard;
  const isMissing =
    isUnchanged && isSame(question, before.question)
      ? before.isRowMissing
      : isRowMissing(question, ports.items, networks.items);
  const isProbed = isMissing || isNowhere(forwarding?.answer ?? null, reader.host);
  if (isOver && isProbed) return null;
  const isCounted = isUnchanged && before.isRowMissing;
  if (isMissing && !isCounted) await refuseHiddenRows(connection, [ports, networks]);
  const emptyTables = isProbed ? await probeEmptyTables(reader) : [];
  if (!isOver) await connection.endSnapshot();
  const now = { question, server, heartbeat, ports, networks, forwarding, isRowMissing: isMissing, isProbed };
  const isAsBefore =
    isUnchanged &&
    forwarding?.answer === before.forwarding?.answer &&
    isSame([server, emptyTables], [before.server, before.answer.emptyTables]);
  return { ...now, answer: isAsBefore ? before.answer : answerOf(reader, now, emptyTables) };
}

const areNetworksOf = (before: Reading, ports: FoundPorts, wanted: WantedNetworks): boolean =>
  ports === before.ports ||
  areSameNetworks(wanted, wantedNetworks(portsIn(before.ports.items), before.question.bridges));

/** What the server is, and what each of these lookups has found. */
async function ask(
  manner: 'wholeSnapshot' | 'beginSnapshot',
  { connection, heartbeat: ownRow }: Reader,
  lookups: readonly Lookup[],
  besides: readonly Select[],
): Promise<{
  readonly server: ServerState;
  readonly heartbeat: string | null;
  readonly partsOf: (some: readonly Lookup[]) => readonly Part[];
  /** The rows of each of `besides`. */
  readonly further: readonly (readonly Row[])[];
}> {
  const statements = [...lookups.map(({ statement }) => statement), ...besides];
  const { server, rows, heartbeat } = await connection[manner](statements, ownRow);
  const rowsOf = new Map(lookups.map((lookup, at) => [lookup, rows[at] ?? []]));
  return {
    server,
    heartbeat,
    partsOf: (some) => some.map((one) => [one, rowsOf.get(one) ?? []]),
    further: rows.slice(lookups.length),
  };
}

/** One after the other, within the snapshot that is open. */
async function select(connection: Connection, lookups: readonly Lookup[]): Promise<Part[]> {
  const parts: Part[] = [];
  for (const lookup of lookups) parts.push([lookup, await connection.select(lookup.statement)]);
  return parts;
}

const answerOf = (
  { generation, connection }: Reader,
  { server, ports, networks, forwarding }: Pick<Reading, 'server' | 'ports' | 'networks' | 'forwarding'>,
  emptyTables: readonly string[],
): Answer => ({
  generation: generation.name,
  hasHosts: generation.hasHosts,
  ports: withSpelling(portsIn(ports.items), networks.items),
  networks: networks.items,
  server: originOf(connection, server),
  suspect: server.suspect,
  behind: null,
  emptyTables,
  ...(forwarding === null ? {} : { forwarding: forwarding.answer }),
  warnings: ports.items.flatMap((entry) => (entry.ok ? [] : [badRow(entry)])),
});

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

const lookupsOfPorts = (
  { connection: { builder, server }, generation }: Reader,
  taps: readonly TapQuestion[],
): readonly Lookup[] =>
  lookupsOf(generation.portTerms(taps), server.engine, (terms) =>
    matching(generation.selectPorts(builder), terms, server.engine),
  );

/** Ports, with the rows that each of them was made of. */
interface FoundPorts extends Found<DecodedPort> {
  readonly byId: ReadonlyMap<string, RowsOfPort>;
}

interface RowsOfPort {
  readonly rows: readonly Row[];
  readonly entries: readonly DecodedPort[];
}

/** A port whose rows say the same as before is the same object, so that it can be told apart from one that has changed. */
function foundPorts({ generation, question, host, before, isSameQuestion }: Reader, now: Looked): FoundPorts {
  if (isSameQuestion && before !== null && hasSameRows(before.ports, now)) return before.ports;
  const byId = new Map<string, RowsOfPort>();
  for (const [id, rows] of byKey(now.rows, generation.places.port.id)) {
    const old = before?.ports.byId.get(id);
    const isSameRows = old !== undefined && areSameRows(old.rows, rows);
    byId.set(id, isSameRows ? old : { rows, entries: keptIfSame(old, generation.decodePorts(rows, host)) });
  }
  const isWanted = portFilter(question.taps);
  // A range or a collation may find rows that were not meant.
  const wanted = [...byId.values()].flatMap(({ entries }) => entries.slice(-1).filter(isWanted));
  return { ...now, byId, items: [...wanted, ...crowded(generation.decodePorts(now.cut, host), isWanted)] };
}

/** Rows come in any order. */
const keptIfSame = (old: RowsOfPort | undefined, entries: readonly DecodedPort[]): readonly DecodedPort[] =>
  old !== undefined && isSame(old.entries, entries) ? old.entries : entries;

function byKey(rows: readonly Row[], column: string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = text(row[column]) ?? '';
    const own = groups.get(key);
    if (own === undefined) groups.set(key, [row]);
    else own.push(row);
  }
  return groups;
}

/** One for each tap that has more rows than can be read: which of them is meant stands perhaps in another. */
function crowded(decoded: readonly DecodedPort[], isWanted: (entry: DecodedPort) => boolean): DecodedPort[] {
  const byName = new Map<string, DecodedPort>();
  for (const entry of decoded.filter(isWanted)) {
    const { id, interfaceId, deviceName } = entry.ok ? entry.port : entry;
    const problem = 'more rows stand for its tap than can be read';
    byName.set(interfaceId.slice(0, ID_PREFIX_LENGTH), { ok: false, id, interfaceId, deviceName, problem });
  }
  return [...byName.values()];
}

/** The exact, case-sensitive test that the database's collation may have done more loosely. */
function portFilter(taps: readonly TapQuestion[]): (entry: DecodedPort) => boolean {
  const ids = new Set<string>();
  const whole = new Set<string>();
  const prefixes = new Set<string>();
  for (const tap of taps) {
    if (tap.by === 'id') ids.add(tap.id);
    else if (tap.by === 'device') whole.add(tap.device);
    else if (tap.suffix.length === ID_PREFIX_LENGTH) prefixes.add(tap.suffix);
    else whole.add(tap.suffix);
  }
  return (entry) => {
    const { id, interfaceId } = entry.ok ? entry.port : entry;
    return ids.has(id) || whole.has(interfaceId) || prefixes.has(interfaceId.slice(0, ID_PREFIX_LENGTH));
  };
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
