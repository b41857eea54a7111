import type { TunnelQuestion } from '../../model/forwarding.js';
import type { Connection, Row, Select } from '../connection.js';
import type { Period } from '../limit.js';
import { chunks } from '../lookup.js';
import { type Notes, withCounts, withEnds, withHosts, withStandbys, withVnis } from './notes.js';
import type { ForwardingSource } from './source.js';
import {
  countBindings,
  HOSTS_BY_NAME_MAX,
  hostsOfSegments,
  networksOfVnis,
  standbysOfNetworks,
  tunnelEnds,
} from './statements.js';

/** So many rows one statement for hosts is expected to find at most; a segment that has more is alone in one. */
export const ROWS_PER_STATEMENT = 2_000;
/** A list of 1,000 values or more is a temporary table to MariaDB. */
export const TERMS_MAX = 900;
const AGENTS_MAX = 100_000;
const AGENTS_PER_HOST_MAX = 20;
const STANDBYS_MAX = 100_000;

/** One SELECT, and what its rows tell. */
export interface Ask {
  readonly about: string;
  readonly statement: Select;
  take(notes: Notes, rows: readonly Row[]): Notes;
}

/** What reading works with; `period` starts a term. */
export interface ForwardingReader {
  readonly connection: Pick<Connection, 'builder' | 'server' | 'select'>;
  readonly source: ForwardingSource;
  readonly period?: (periodMs: number) => Period;
}

export const keyOf = ({ countsBy }: ForwardingSource, { segment, network }: TunnelQuestion): string =>
  countsBy === 'segment' ? segment : network;

export const boundOf = (source: ForwardingSource, { counts }: Notes, one: TunnelQuestion): number =>
  counts.get(keyOf(source, one))?.bound ?? 0;

/** The first of these that cost no more together; at least one. */
export function some<Item>(
  items: readonly Item[],
  max: number,
  costOf: (item: Item) => number,
): readonly Item[] {
  let cost = 0;
  const end = items.findIndex((item, at) => {
    cost += Math.max(1, costOf(item));
    return at > 0 && cost > max;
  });
  return end === -1 ? items : items.slice(0, end);
}

export const askCounts = ({ connection, source }: ForwardingReader, keys: readonly string[]): Ask => ({
  about: `count ${keys}`,
  statement: countBindings(connection, source, keys),
  take: (notes, rows) => withCounts(notes, rows, keys),
});

/** In statements that are expected to find no more than they may. */
export function askHosts(
  reader: ForwardingReader,
  notes: Notes,
  tunnels: readonly TunnelQuestion[],
): readonly Ask[] {
  const { connection, source } = reader;
  const asks: Ask[] = [];
  for (let at = 0; at < tunnels.length; ) {
    const together = some(tunnels.slice(at, at + TERMS_MAX), ROWS_PER_STATEMENT, (one) =>
      boundOf(source, notes, one),
    );
    const bound = together.reduce((sum, one) => sum + boundOf(source, notes, one), 0);
    // A port may be bound to several hosts.
    const rowsMax = source.countsBy === 'segment' ? bound : 1_000 + 10 * bound;
    const key = (one: TunnelQuestion): string => keyOf(source, one);
    asks.push({
      about: `hosts ${together.map(({ segment }) => segment)} ${rowsMax}`,
      statement: hostsOfSegments(connection, source, together, rowsMax),
      take: (before, rows) => withHosts(before, rows, together, key, rowsMax),
    });
    at += together.length;
  }
  return asks;
}

/** Above so many hosts all agents with tunnels at once: less work for the server than many hosts by name. */
export function askEnds({ connection, source }: ForwardingReader, hosts: readonly string[]): readonly Ask[] {
  if (!source.hasAgents || hosts.length === 0) return [];
  const take: Ask['take'] = (notes, rows) => withEnds(notes, rows, hosts);
  const isMany = hosts.length > HOSTS_BY_NAME_MAX;
  const statement = isMany
    ? tunnelEnds(connection, 'all', AGENTS_MAX)
    : tunnelEnds(connection, hosts, AGENTS_PER_HOST_MAX * hosts.length);
  return [{ about: `ends ${hosts}`, statement, take }];
}

export const askStandbys = (
  { connection, source }: ForwardingReader,
  networks: readonly string[],
): readonly Ask[] =>
  source.hasStandbys
    ? chunks(networks, TERMS_MAX).map((some) => ({
        about: `standbys ${some}`,
        statement: standbysOfNetworks(connection, some, STANDBYS_MAX),
        take: (notes, rows) => withStandbys(notes, rows, some),
      }))
    : [];

export const askVnis = ({ connection, source }: ForwardingReader, vnis: readonly number[]): readonly Ask[] =>
  vnis.length === 0
    ? []
    : [
        {
          about: `vnis ${vnis}`,
          statement: networksOfVnis(connection, source, vnis),
          take: (notes, rows) => withVnis(notes, rows, vnis),
        },
      ];
