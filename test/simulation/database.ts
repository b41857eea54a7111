import { isDeepStrictEqual } from 'node:util';
import { heed, makeWatermark } from '../../src/database/watermark.js';
import {
  type Answer,
  type Clock,
  type Database,
  DatabaseError,
  type IfIndex,
  type Network,
  type Port,
  type Question,
  type StatusChange,
  suffixMatches,
  type TapQuestion,
  type Warning,
} from '../../src/model/index.js';
import type { Cloud, Rows } from './cloud.js';
import { heartbeatText } from './heart.js';
import type { Random } from './random.js';
import type { DatabaseWeather } from './weather.js';

/** An answer with what really lies behind it. */
export interface Telling {
  readonly question: Question;
  readonly answer: Answer;
  /** The links that were there when its snapshot began. */
  readonly present: ReadonlySet<IfIndex>;
  /** Of these, the ones that were there when the agent asked. */
  readonly presentWhenAsked: ReadonlySet<IfIndex>;
  /** Tables that are wholly empty, whether the agent was told or not. */
  readonly emptyTables: readonly string[];
  /** The agent's heartbeat that goes with it; 0: none. */
  readonly heartbeatMs: number;
  readonly askedAtMs: number;
}

/** What the simulated database needs of the world, and whom it tells. */
export interface DatabaseEdges {
  readonly clock: Clock;
  readonly cloud: Cloud;
  readonly random: Random;
  readonly weather: () => DatabaseWeather;
  readonly linksNow: () => ReadonlySet<IfIndex>;
  /** This agent's heartbeat, as an answer has it, which may be kept on disk before the answer is worked with. */
  readonly shows: (heartbeatMs: number) => void;
  /** Right before the agent gets an answer. */
  readonly tells: (telling: Telling) => void;
  /** At the moment at which the agent asks for a write. */
  readonly writes: (changes: readonly StatusChange[]) => void;
  /** `what` was asked for while another call was still in hand. */
  readonly overlaps: (what: string) => void;
}

/** No call takes longer, as with the real one. */
const LIMIT_MS = 5_000;
const BINDINGS = 'network_bindings';

/** The shared database behind a network that may be slow, cut, or lead to the wrong server. */
export function openSimulatedDatabase(edges: DatabaseEdges, watermark = makeWatermark()): Database {
  const { clock, cloud, random } = edges;
  let busy = false;
  let last: Answer | null = null;
  const inTurn = async <Value>(what: string, work: () => Promise<Value>): Promise<Value> => {
    if (busy) edges.overlaps(what);
    busy = true;
    try {
      return await work();
    } finally {
      busy = false;
    }
  };
  const pause = (delayMs: number): Promise<void> => new Promise((settle) => clock.after(delayMs, settle));
  /** Throws what a call meets on its way. */
  const reach = async (): Promise<DatabaseWeather> => {
    const weather = edges.weather();
    await pause(weather.kind === 'slow' ? weather.byMs : random.between(1, 30));
    if (weather.kind === 'hanging') await pause(LIMIT_MS);
    const now = edges.weather();
    if (weather.kind === 'hanging') throw new DatabaseError('unreachable', 'no answer within 5 s');
    if (now.kind === 'down') throw new DatabaseError('unreachable', 'connection refused');
    if (now.kind === 'strange-schema') throw new DatabaseError('schema', 'no known generation');
    return now;
  };
  const read = async (question: Question): Promise<Answer> => {
    const presentWhenAsked = edges.linksNow();
    const askedAtMs = clock.monotonicMs();
    const weather = await reach();
    const rows = rowsSeen(cloud, weather, clock.monotonicMs());
    const found = answerFrom(cloud, weather, rows, question);
    // As with the real one: the same answer is the same object.
    const answer: Answer = isDeepStrictEqual(last, found) && last !== null ? last : found;
    last = answer;
    const present = edges.linksNow();
    const { heartbeatMs } = rows;
    const emptyTables = emptyTablesOf(rows);
    const telling = { question, answer, present, presentWhenAsked, emptyTables, heartbeatMs, askedAtMs };
    await pause(random.between(1, 40));
    if (edges.weather().kind === 'down') throw new DatabaseError('unreachable', 'connection reset');
    // What this keeps on disk is not yet what the answer leads to.
    edges.shows(heartbeatMs);
    const behind = heed(watermark, heartbeatText(heartbeatMs));
    edges.tells(telling);
    return behind === null ? answer : { ...answer, behind };
  };
  const write = async (changes: readonly StatusChange[]): Promise<number> => {
    const weather = await reach();
    if (weather.kind === 'refusing-writes' || weather.kind === 'lagging') {
      throw new DatabaseError('permission', 'UPDATE is refused');
    }
    const written = writeStatuses(cloud, changes);
    await pause(random.between(1, 10));
    if (edges.weather().kind === 'down') throw new DatabaseError('unreachable', 'connection reset');
    return written;
  };
  return {
    read: (question) => inTurn('a read', () => read(question)),
    writeStatuses: (changes) => {
      edges.writes(changes);
      return inTurn('a write', () => write(changes));
    },
    close: async () => {},
  };
}

/** A process that is gone asks nothing, and hears of nothing; what it had sent may still be carried out. */
export function untilDeath({ read, writeStatuses, close }: Database, isAlive: () => boolean): Database {
  const never = new Promise<never>(() => {});
  const heard = <Value>(answer: Promise<Value>): Promise<Value> =>
    answer.then(
      (value) => (isAlive() ? value : never),
      (error: unknown) => (isAlive() ? Promise.reject(error) : never),
    );
  return {
    read: (question) => (isAlive() ? heard(read(question)) : never),
    writeStatuses: (changes) => (isAlive() ? heard(writeStatuses(changes)) : never),
    close,
  };
}

/** What the server says about the rows that are asked for. */
function answerFrom(cloud: Cloud, weather: DatabaseWeather, rows: Rows, question: Question): Answer {
  const ports = [...rows.ports.values()].filter((port) => isAsked(question, port));
  const networks = networksFor(rows, question, ports);
  return {
    generation: cloud.generation,
    hasHosts: cloud.hasHosts,
    ports: ports.filter(({ id }) => !rows.bad.has(id)),
    networks,
    server: weather.kind === 'lagging' ? `replica-of-${cloud.server()}` : cloud.server(),
    suspect: weather.kind === 'lagging' ? weather.suspect : null,
    behind: null,
    emptyTables: isRowMissing(question, ports, networks) ? emptyTablesOf(rows) : [],
    warnings: ports.filter(({ id }) => rows.bad.has(id)).map(badRow),
  };
}

const NOTHING: Rows = { ports: new Map(), networks: new Map(), bad: new Set(), heartbeatMs: 0 };

function rowsSeen(cloud: Cloud, weather: DatabaseWeather, nowMs: number): Rows {
  const rows = cloud.rows();
  switch (weather.kind) {
    case 'lagging':
      return cloud.rowsAt(nowMs - weather.byMs);
    case 'empty':
      return weather.tables === 'all' ? NOTHING : withoutTable(rows, weather.tables);
    case 'partial':
      return {
        ...rows,
        ports: new Map([...rows.ports].filter(([id]) => shareOf(id) < weather.share)),
        networks: new Map([...rows.networks].filter(([id]) => shareOf(id) < weather.share)),
      };
    default:
      return rows;
  }
}

const withoutTable = (rows: Rows, table: 'ports' | 'bindings'): Rows =>
  table === 'ports'
    ? { ...rows, ports: new Map() }
    : {
        ...rows,
        networks: new Map([...rows.networks].map(([id, network]) => [id, { ...network, segments: [] }])),
      };

/** Where in the order of a dump a row stands, from 0 to 1. */
const shareOf = (id: string): number => Number.parseInt(id.slice(-4), 16) / 65_536;

const isAsked = ({ taps }: Question, port: Port): boolean => taps.some((tap) => isMeant(tap, port));

function isMeant(tap: TapQuestion, port: Port): boolean {
  switch (tap.by) {
    case 'id':
      return tap.id === port.id;
    case 'suffix':
      return suffixMatches(tap.suffix, port.interfaceId);
    case 'device':
      return tap.device === port.deviceName;
  }
}

/** A network without its row that has no binding either does not exist. */
const networksFor = (rows: Rows, { bridges }: Question, ports: readonly Port[]): Network[] =>
  [...rows.networks.values()].filter(
    ({ id, rowPresent, segments }) =>
      (rowPresent || segments.length > 0) &&
      (ports.some(({ networkId }) => networkId === id) ||
        bridges.some((bridge) => (bridge.by === 'id' ? bridge.id === id : suffixMatches(bridge.suffix, id)))),
  );

const emptyTablesOf = ({ ports, networks }: Rows): string[] => [
  ...(ports.size === 0 ? ['ports'] : []),
  ...([...networks.values()].every(({ segments }) => segments.length === 0) ? [BINDINGS] : []),
];

/** Only then the empty tables are probed for. */
function isRowMissing(question: Question, ports: readonly Port[], networks: readonly Network[]): boolean {
  const hasPort = (tap: TapQuestion): boolean => ports.some((port) => isMeant(tap, port));
  const whole = networks.filter(({ rowPresent, segments }) => rowPresent && segments.length > 0);
  const isWhole = (bridge: Question['bridges'][number]): boolean =>
    whole.some(({ id }) => (bridge.by === 'id' ? bridge.id === id : suffixMatches(bridge.suffix, id)));
  const found = new Set(networks.map(({ id }) => id));
  return (
    question.taps.some((tap) => tap.wired && !hasPort(tap)) ||
    ports.some(({ networkId }) => !found.has(networkId)) ||
    !question.bridges.every(isWhole)
  );
}

const badRow = ({ id }: Port): Warning => ({
  code: 'PORT_BAD_ROW',
  message: `The row of port ${id} cannot be used: its network_id is NULL.`,
  port: id,
});

function writeStatuses(cloud: Cloud, changes: readonly StatusChange[]): number {
  let written = 0;
  cloud.change(({ ports }) => {
    for (const { port: id, from, to, bound } of changes) {
      const port = ports.get(id);
      if (port === undefined || port.status !== from) continue;
      if (bound !== 'anywhere' && (bound === 'here') !== (port.binding.kind === 'here')) continue;
      ports.set(id, { ...port, status: to });
      written += 1;
    }
  });
  return written;
}
