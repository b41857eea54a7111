import type {
  Endpoint,
  ForwardingAnswer,
  ForwardingQuestion,
  TunnelQuestion,
} from '../../model/forwarding.js';
import { foldedId, type NetworkId, networkId } from '../../model/ids.js';
import { isSame } from '../../model/same.js';
import type { Row } from '../connection.js';
import { integer, text } from '../generations/values.js';
import { tunnelEndOf } from './tunnel-end.js';

/** How many bindings (or ports) there are of one segment (or network), and what tells them from others. */
export interface Count {
  readonly bound: number;
  readonly digest: string;
}

/** What was read so far, by the last word on each. Replaced where it changes, so that what is the same stays the same object. */
export interface Notes {
  readonly counts: ReadonlyMap<string, Count>;
  /** By segment. */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  /** By segment: what was counted when its hosts were read. */
  readonly listedAt: ReadonlyMap<string, Count | undefined>;
  /** By network. */
  readonly standbys: ReadonlyMap<string, readonly string[]>;
  readonly ends: ReadonlyMap<string, Endpoint>;
  readonly vnis: ReadonlyMap<number, readonly NetworkId[]>;
}

export const NO_NOTES: Notes = {
  counts: new Map(),
  hosts: new Map(),
  listedAt: new Map(),
  standbys: new Map(),
  ends: new Map(),
  vnis: new Map(),
};

/** The map with these values; the same one where all of them are there already. */
function noted<Key, Value>(
  before: ReadonlyMap<Key, Value>,
  now: Iterable<readonly [Key, Value]>,
): ReadonlyMap<Key, Value> {
  const changed = [...now].filter(([key, value]) => !before.has(key) || !isSame(before.get(key), value));
  return changed.length === 0 ? before : new Map([...before, ...changed]);
}

/** Lists of texts by a key, each once and in order; `keys` that have no row have an empty one. */
function grouped(
  rows: readonly Row[],
  key: string,
  value: string,
  keys: readonly string[],
): [string, readonly string[]][] {
  const byKey = new Map(keys.map((one) => [foldedId(one), { one, values: new Set<string>() }]));
  for (const row of rows) {
    const read = text(row[value]);
    if (read !== null && read !== '') byKey.get(foldedId(text(row[key]) ?? ''))?.values.add(read);
  }
  return [...byKey.values()].map(({ one, values }) => [one, [...values].sort()]);
}

export function withCounts(notes: Notes, rows: readonly Row[], keys: readonly string[]): Notes {
  const told = new Map(rows.map((row) => [foldedId(text(row.asked) ?? ''), row]));
  const counts = keys.map((key): [string, Count] => {
    const row = told.get(foldedId(key));
    return [key, { bound: integer(row?.bound) ?? 0, digest: text(row?.digest) ?? '' }];
  });
  return { ...notes, counts: noted(notes.counts, counts) };
}

/**
 * `rowsMax`: more rows than that may be cut, and whose are missing cannot be told: they are counted again, and then read.
 */
export function withHosts(
  notes: Notes,
  rows: readonly Row[],
  tunnels: readonly TunnelQuestion[],
  keyOf: (one: TunnelQuestion) => string,
  rowsMax: number,
): Notes {
  if (rows.length > rowsMax) {
    const cut = new Set(tunnels.map(keyOf));
    return { ...notes, counts: new Map([...notes.counts].filter(([key]) => !cut.has(key))) };
  }
  const segments = tunnels.map(({ segment }) => segment);
  return {
    ...notes,
    hosts: noted(notes.hosts, grouped(rows, 'segment_id', 'host', segments)),
    listedAt: noted(
      notes.listedAt,
      tunnels.map((one) => [one.segment, notes.counts.get(keyOf(one))]),
    ),
  };
}

export const withStandbys = (notes: Notes, rows: readonly Row[], networks: readonly string[]): Notes => ({
  ...notes,
  standbys: noted(notes.standbys, grouped(rows, 'network_id', 'host', networks)),
});

/** `hosts`: those that have no row among these have none at all. */
export function withEnds(notes: Notes, rows: readonly Row[], hosts: readonly string[]): Notes {
  const wanted = new Set(hosts);
  const byHost = new Map(hosts.map((host): [string, Row[]] => [host, []]));
  for (const row of rows) {
    const host = text(row.host) ?? '';
    if (wanted.has(host)) byHost.get(host)?.push(row);
  }
  const ends = [...byHost].map(([host, own]): [string, Endpoint] => [
    host,
    own.length === 0 ? { kind: 'unknown', problem: 'it has no row in agents' } : tunnelEndOf(own),
  ]);
  return { ...notes, ends: noted(notes.ends, ends) };
}

/** Where this account may not read them. */
export const withoutEnds = (notes: Notes): Notes => ({
  ...notes,
  ends: noted(
    notes.ends,
    [...namedIn(notes)].map((host) => [
      host,
      { kind: 'unknown', problem: 'this account may not read agents' },
    ]),
  ),
});

export function withVnis(notes: Notes, rows: readonly Row[], vnis: readonly number[]): Notes {
  const found = vnis.flatMap((vni): [number, NetworkId[]][] => {
    const networks = rows.filter((row) => integer(row.vni) === vni).map((row) => text(row.network_id) ?? '');
    return networks.length === 0 ? [] : [[vni, networks.sort().map(networkId)]];
  });
  return { ...notes, vnis: isSame([...notes.vnis], found) ? notes.vnis : new Map(found) };
}

/** Without what is no longer asked about, and hosts that no list names any more. */
export function pruned(notes: Notes, { tunnels }: ForwardingQuestion): Notes {
  const keys = new Set<string>(tunnels.flatMap(({ segment, network }) => [segment, network]));
  const hosts = kept(notes.hosts, keys);
  const standbys = kept(notes.standbys, keys);
  return {
    ...notes,
    counts: kept(notes.counts, keys),
    hosts,
    listedAt: kept(notes.listedAt, keys),
    standbys,
    ends: kept(notes.ends, namedIn({ hosts, standbys })),
  };
}

function kept<Value>(map: ReadonlyMap<string, Value>, keys: ReadonlySet<string>): ReadonlyMap<string, Value> {
  const isWhole = [...map.keys()].every((key) => keys.has(key));
  return isWhole ? map : new Map([...map].filter(([key]) => keys.has(key)));
}

/** Every host that a list names. */
export const namedIn = ({ hosts, standbys }: Pick<Notes, 'hosts' | 'standbys'>): ReadonlySet<string> =>
  new Set([...hosts.values(), ...standbys.values()].flat());

export function answerOf(
  { hosts, standbys, ends, vnis }: Notes,
  { tunnels }: ForwardingQuestion,
): ForwardingAnswer {
  const together = tunnels.flatMap(({ segment, network }): [string, readonly string[]][] => {
    const bound = hosts.get(segment);
    const beside = standbys.get(network) ?? [];
    if (bound === undefined) return [];
    return [[segment, beside.length === 0 ? bound : [...new Set([...bound, ...beside])].sort()]];
  });
  return { tunnels, hosts: new Map(together), endpoints: ends, vnis };
}
