import type { LinkName, NetworkId, Warning } from '../../model/index.js';
import { subinterfaceKey, tapsIn } from '../see/view.js';
import type { Choice } from './choose-segment.js';
import type { Place, World } from './desired.js';
import { indexPorts, matchTap } from './match.js';
import { presentUplink, type Realisation } from './resolve-segment.js';

/** A network on its way to becoming a desired one. */
export interface Candidate {
  readonly id: NetworkId;
  readonly mtu: number | null;
  /** What it is realised by; null: nothing says. */
  readonly segment: Choice | null;
  readonly place: Place;
  readonly realisation: Realisation;
}

/** Something that only one network can have: a bridge or an uplink. */
interface Claim {
  readonly key: string;
  /** In words, for the message. */
  readonly what: string;
}

/**
 * Of several networks that claim one bridge or one uplink, the one that holds it keeps it. Who has no bridge
 * claims no uplink either.
 */
export const withoutConflicts = (world: World, candidates: readonly Candidate[]): Candidate[] =>
  settle(world, settle(world, candidates, bridgeClaim, withoutBridge), uplinkClaim, withoutUplink);

function settle(
  world: World,
  candidates: readonly Candidate[],
  claimOf: (candidate: Candidate) => Claim | null,
  without: (candidate: Candidate, winner: Candidate, what: string) => Candidate,
): Candidate[] {
  const rivals = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const claim = claimOf(candidate);
    if (claim !== null) rivals.set(claim.key, [...(rivals.get(claim.key) ?? []), candidate]);
  }
  return candidates.map((candidate) => {
    const claim = claimOf(candidate);
    const claimants = claim === null ? [] : (rivals.get(claim.key) ?? []);
    const winner = claimants.length > 1 ? winnerOf(world, claimants) : candidate;
    return claim === null || winner === candidate ? candidate : without(candidate, winner, claim.what);
  });
}

function bridgeClaim({ place }: Candidate): Claim | null {
  if (place.kind === 'blocked') return null;
  const what = `bridge ${bridgeOf(place)}`;
  return { key: what, what };
}

const bridgeOf = (place: Exclude<Place, { kind: 'blocked' }>): LinkName =>
  place.kind === 'missing' ? place.name : place.bridge.name;

function uplinkClaim({ realisation }: Candidate): Claim | null {
  if (!realisation.ok) return null;
  const { uplink } = realisation;
  if (uplink.kind === 'interface') {
    return { key: `${uplink.link.index}`, what: `interface ${uplink.link.name}` };
  }
  if (uplink.kind === 'tunnel') {
    const what = `VNI ${uplink.tunnel.making.vni}`;
    return { key: what, what };
  }
  if (uplink.kind !== 'subinterface') return null;
  const { parent, vlanId } = uplink;
  return { key: subinterfaceKey(parent.index, vlanId), what: `VLAN ${vlanId} on ${parent.name}` };
}

/** What it has in the other's bridge does not stay there: two tenants are never joined. */
function withoutBridge(candidate: Candidate, winner: Candidate, what: string): Candidate {
  const code = candidate.place.kind === 'joined' ? 'SEGMENT_CONFLICT' : 'NETWORK_PREFIX_CONFLICT';
  const warning = conflict(code, candidate, winner, what);
  const realisation = candidate.realisation.ok ? lost(warning) : candidate.realisation;
  return { ...candidate, realisation, place: { kind: 'blocked', warning } };
}

function withoutUplink(candidate: Candidate, winner: Candidate, what: string): Candidate {
  return { ...candidate, realisation: lost(conflict('SEGMENT_CONFLICT', candidate, winner, what)) };
}

const lost = (warning: Warning): Realisation => ({ ok: false, warning, keeps: () => false });

const conflict = (code: Warning['code'], loser: Candidate, winner: Candidate, what: string): Warning => ({
  code,
  message: `networks ${winner.id} and ${loser.id} both ask for ${what}; ${winner.id} keeps it, ${loser.id} is not wired`,
  network: loser.id,
});

/** The one that works stays: it has the uplink in its bridge, or else taps; of several such the first by id. */
function winnerOf(world: World, rivals: readonly Candidate[]): Candidate {
  const ordered = rivals.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const [first] = ordered;
  if (first === undefined) throw new RangeError('a conflict has at least two rivals');
  return ordered.find(holdsUplink) ?? ordered.find((rival) => hasOwnTaps(world, rival)) ?? first;
}

function holdsUplink({ place, realisation }: Candidate): boolean {
  const link = realisation.ok ? presentUplink(realisation.uplink) : null;
  return place.kind === 'present' && link !== null && link.master === place.bridge.index;
}

function hasOwnTaps({ view, knowledge }: World, { id, place }: Candidate): boolean {
  if (place.kind !== 'present' && place.kind !== 'joined') return false;
  const ports = indexPorts(knowledge.ports.all.filter(({ networkId }) => networkId === id));
  return tapsIn(view, place.bridge.index).some((tap) => matchTap(ports, tap).kind === 'one');
}
