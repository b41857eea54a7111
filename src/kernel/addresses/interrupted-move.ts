import { type AddressMove, KernelError } from '../../model/kernel.js';
import { type BareLink, decodeLink, getLink } from '../links.js';
import { TornRead } from '../netlink/message.js';
import { Refused } from '../netlink/refused.js';
import { openRequests, type Requests } from '../netlink/requests.js';
import {
  addSteps,
  exchange,
  firstRefusal,
  isEmpty,
  loadOf,
  namesOf,
  partOf,
  removeSteps,
} from './carried-load.js';

/** What became of a move that was cut short by a kill. */
export type SettledMove =
  /** The bridge has its uplink: what was left on the old link is gone from there. */
  | { readonly kind: 'completed' }
  /** The membership had not changed yet: the host is as it was before the move. */
  | { readonly kind: 'taken-back' }
  /** Nothing was left to do: it had not begun, was done, or one of the links does not exist any more. */
  | { readonly kind: 'nothing-left' }
  | { readonly kind: 'failed'; readonly why: string };

/**
 * Brings a move of addresses that a kill has cut short to an end. A move changes the host in two exchanges, each of
 * which the kernel carries out as a whole: so either nothing has happened, or both links carry everything, or all is
 * done. Only what the record names is touched. Never throws for what the kernel says.
 */
export function settleMove(move: AddressMove): SettledMove {
  try {
    const requests = openRequests();
    try {
      return settle(requests, move);
    } finally {
      requests.close();
    }
  } catch (error) {
    const known = error instanceof Refused || error instanceof KernelError || error instanceof TornRead;
    if (!known) throw error;
    return { kind: 'failed', why: error.message };
  }
}

function settle(requests: Requests, move: AddressMove): SettledMove {
  const [from, to] = [linkAt(requests, move.from), linkAt(requests, move.to)];
  if (from === null || to === null) return { kind: 'nothing-left' };
  const recorded = new Set(move.carried);
  if (hasMembership(move.membership, from, to)) {
    return carry(requests, from, to, (name) => recorded.has(name)) ? { kind: 'completed' } : NOTHING_LEFT;
  }
  const before = new Set(move.before);
  return carry(requests, to, from, (name) => recorded.has(name) && !before.has(name))
    ? { kind: 'taken-back' }
    : NOTHING_LEFT;
}

const NOTHING_LEFT = { kind: 'nothing-left' } as const;

/** null when the link is gone, or its index belongs to another one by now. */
function linkAt(requests: Requests, { name, index }: AddressMove['from']): BareLink | null {
  const link = requests.get(getLink(index), decodeLink);
  return link?.name === name ? link : null;
}

function hasMembership(membership: AddressMove['membership'], from: BareLink, to: BareLink): boolean {
  switch (membership) {
    case 'join':
      return from.master === to.index;
    case 'leave':
      return to.master !== from.index;
    case 'none':
      return true;
  }
}

/**
 * What `source` carries of the wanted is afterwards on `target` alone: first added there where it is not, then taken
 * away. False when `source` carries nothing of it. Throws Refused and KernelError.
 */
function carry(
  requests: Requests,
  source: BareLink,
  target: BareLink,
  wanted: (name: string) => boolean,
): boolean {
  const load = partOf(loadOf(requests, source.index), source.index, wanted);
  if (isEmpty(load)) return false;
  const there = namesOf(loadOf(requests, target.index), target.index);
  const lacking = partOf(load, source.index, (name) => !there.has(name));
  for (const steps of [addSteps(requests, lacking, source, target), removeSteps(load, source)]) {
    const refused = firstRefusal(steps, exchange(requests, steps));
    if (refused !== null) throw refused;
  }
  return true;
}
