import type { Knex } from 'knex';
import type { BridgeQuestion } from '../model/database.js';
import { foldedId, networkId } from '../model/ids.js';
import { ID_PREFIX_LENGTH, isUsableId, suffixMatches } from '../model/names.js';
import type { Network, Port } from '../model/port.js';
import { isSameSet } from '../model/same.js';
import type { Connection, Row } from './connection.js';
import type { Generation } from './generations/generation.js';
import { integer, text } from './generations/values.js';
import type { Looked } from './looked.js';
import { type Lookup, lookupsOf, matching, type Term } from './lookup.js';

/** The networks that ports and bridges of the host name. */
export interface WantedNetworks {
  readonly ids: ReadonlySet<string>;
  readonly suffixes: ReadonlySet<string>;
}

/** The networks of these ports, and those that the host's bridges are named or labelled after. */
export function wantedNetworks(ports: readonly Port[], bridges: readonly BridgeQuestion[]): WantedNetworks {
  const ids = new Set<string>(ports.map((port) => port.networkId));
  const suffixes = new Set<string>();
  for (const bridge of bridges) {
    if (bridge.by === 'id') ids.add(bridge.id);
    else suffixes.add(bridge.suffix);
  }
  return { ids, suffixes };
}

/** Whether one SELECT would do for both. */
export const areSameNetworks = (now: WantedNetworks, before: WantedNetworks): boolean =>
  isSameSet(now.ids, before.ids) && isSameSet(now.suffixes, before.suffixes);

/**
 * Ids as these are spelled. Most databases take capitals for the same, and so do their foreign keys: a port or a binding
 * may name its network in other letters than the row of the network does. What differs in nothing else, but is there
 * in both spellings, is two networks.
 */
export function spellingOf(ids: readonly string[]): (id: string) => string {
  const exact = new Set(ids);
  const byFolded = new Map<string, string | null>();
  for (const id of exact) byFolded.set(foldedId(id), byFolded.has(foldedId(id)) ? null : id);
  return (id) => (exact.has(id) ? id : (byFolded.get(foldedId(id)) ?? id));
}

/** SELECTs of the rows of these networks and of their bindings. */
export const networkLookups = (
  connection: Connection,
  generation: Generation,
  { ids, suffixes }: WantedNetworks,
): readonly Lookup[] =>
  lookupsOf(networkTerms(ids, suffixes), connection.server.engine, (terms) =>
    selectNetworks(connection, generation, terms),
  );

/** The networks that these rows describe; a range or a collation may find rows that were not meant. */
export function decodeNetworks(
  { rows, cut }: Looked,
  generation: Generation,
  { ids, suffixes }: WantedNetworks,
): readonly Network[] {
  const folded = new Set([...ids].map(foldedId));
  const isWanted = (row: Row): boolean => {
    const id = text(row.network_id) ?? '';
    return folded.has(foldedId(id)) || [...suffixes].some((suffix) => suffixMatches(suffix, id));
  };
  const crowded = collectNetworks(cut.filter(isWanted), generation, ids).map(unreadable);
  const names = new Set<string>(crowded.map(({ id }) => id));
  const readable = collectNetworks(rows.filter(isWanted), generation, ids);
  return [...readable.filter(({ id }) => !names.has(id)), ...crowded];
}

/** What it asks for stands in rows that were not read. */
const unreadable = (network: Network): Network => ({
  ...network,
  rowPresent: true,
  segments: [{ kind: 'bad', code: 'BINDING_INVALID', problem: 'more rows stand for it than can be read' }],
});

function networkTerms(ids: ReadonlySet<string>, suffixes: ReadonlySet<string>): readonly Term[] {
  const usable = (values: Iterable<string>): string[] => [...values].filter(isUsableId);
  return [
    // Where the database tells capitals from small letters, the row of the network has the small ones.
    ...usable(new Set([...ids, ...[...ids].map(foldedId)])).map((equal) => ({ column: '', equal })),
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

/** Without its row a network is spelled as its ports and its bridge have it: capitals in a binding make no other network of it. */
function collectNetworks(
  rows: readonly Row[],
  generation: Generation,
  wanted: ReadonlySet<string>,
): readonly Network[] {
  const isNetwork = (row: Row): boolean => integer(row.is_network) === 1;
  const named = rows.filter(isNetwork).map((row) => text(row.network_id) ?? '');
  const withRow = new Set(named.map(foldedId));
  const spelled = spellingOf([...named, ...[...wanted].filter((id) => !withRow.has(foldedId(id)))]);
  const byId = new Map<string, Row[]>();
  for (const row of rows) {
    const id = spelled(text(row.network_id) ?? '');
    const own = byId.get(id);
    if (own === undefined) byId.set(id, [row]);
    else own.push(row);
  }
  return [...byId].map(([id, own]) => {
    const network = own.find(isNetwork);
    return {
      id: networkId(id),
      rowPresent: network !== undefined,
      segments: own.filter((row) => integer(row.is_network) === 0).map(generation.segmentOf),
      mtu: integer(network?.mtu ?? null),
    };
  });
}
