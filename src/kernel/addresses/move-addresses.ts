import type { IfIndex } from '../../model/ids.js';
import type { AddressMove, MoveJournal } from '../../model/kernel.js';
import type { OperationOf } from '../../model/operation.js';
import { messageOf } from '../../model/thrown.js';
import { type BareLink, linkHeader } from '../links.js';
import { IFLA, RTM } from '../netlink/constants.js';
import { type Request, u32Attribute } from '../netlink/message.js';
import { Refused } from '../netlink/refused.js';
import { REQUESTS_PER_EXCHANGE_MAX, type Requests } from '../netlink/requests.js';
import { type Host, presentLink } from '../operation-context.js';
import {
  addSteps,
  exchange,
  firstRefusal,
  isEmpty,
  type Load,
  loadOf,
  namesOf,
  partOf,
  removeSteps,
  type Step,
  takeBack,
} from './carried-load.js';
import { usesNexthopObject, wayNames } from './routes.js';

/** What came of a move. */
type Outcome =
  | { readonly kind: 'moved' }
  /** Everything is as it was. */
  | { readonly kind: 'undone'; readonly cause: Refused }
  /** Neither: the record stays, so that the next start can take it back. */
  | { readonly kind: 'stuck'; readonly cause: Refused };

/**
 * Moves every address, route and permanent neighbour of one link to another without a moment in which the host has neither. What is
 * there is written down; then all of it is added to `to`; then in one datagram, which the kernel carries out even
 * when the process is killed meanwhile, the membership of the bridge changes and `from` loses what it had. Finding
 * half of it done is fine. Throws Refused; then everything is as before, or the message says what is not.
 */
export function moveAddresses(host: Host, op: OperationOf<'move-addresses'>): void {
  const from = presentLink(host, op.from);
  const to = presentLink(host, op.to);
  const membership = membershipStep(op.membership, from, to);
  const load = loadOf(host.requests, from.index);
  expectMovable(load, from);
  if (op.membership === 'join') expectTaken(host.requests, membership);
  begin(host.journal, {
    from: { name: from.name, index: from.index },
    to: { name: to.name, index: to.index },
    membership: op.membership,
    carried: [...namesOf(load, from.index)],
    before: [...namesOf(loadOf(host.requests, to.index), to.index)],
  });
  const outcome = transfer(host.requests, load, from, to, membership);
  if (outcome.kind !== 'stuck') host.journal.done();
  if (outcome.kind !== 'moved') throw outcome.cause;
}

/** A move that cannot be written down is not begun. Throws Refused. */
function begin(journal: MoveJournal, move: AddressMove): void {
  try {
    journal.begin(move);
  } catch (error) {
    throw new Refused(
      'EIO',
      `The addresses of ${move.from.name} were not moved, because the move could not be written down first: ${messageOf(error)}. Make state_dir writable.`,
    );
  }
}

function transfer(
  requests: Requests,
  load: Load,
  from: BareLink,
  to: BareLink,
  membership: readonly Step[],
): Outcome {
  const adding = addSteps(requests, load, from, to);
  const added = exchange(requests, adding);
  const refused = firstRefusal(adding, added);
  if (refused !== null) return undone(refused, takeBack(requests, adding, added));

  const removing = [...membership, ...removeSteps(load, from)];
  const removed = exchange(requests, removing);
  const notJoined = firstRefusal(membership, removed);
  if (notJoined !== null) {
    // The kernel went on with the rest all the same: give `from` back what it had before `to` loses it.
    const restoring = addSteps(requests, load, from, from);
    const lost = firstRefusal(restoring, exchange(requests, restoring));
    return undone(notJoined, lost ?? takeBack(requests, adding, added));
  }
  const cause = firstRefusal(removing, removed) ?? arrivalFailure(requests, load, from, to);
  if (cause === null) return { kind: 'moved' };
  return membership.length === 0
    ? { kind: 'stuck', cause }
    : undone(cause, putBack(requests, load, from, to, membership));
}

/**
 * Reverses a move that did not end as it should, in the same two exchanges. What could not be put back; null when all
 * was.
 */
function putBack(
  requests: Requests,
  load: Load,
  from: BareLink,
  to: BareLink,
  membership: readonly Step[],
): Refused | null {
  const giving = addSteps(requests, load, from, from);
  const lost = firstRefusal(giving, exchange(requests, giving));
  if (lost !== null) return lost;
  const names = namesOf(load, from.index);
  const moved = partOf(loadOf(requests, to.index), to.index, (name) => names.has(name));
  const leaving = [...membership.flatMap(reverseOf), ...removeSteps(moved, to)];
  return firstRefusal(leaving, exchange(requests, leaving));
}

const reverseOf = ({ undo, what }: Step): Step[] =>
  undo === undefined ? [] : [{ request: undo, what: `take back: ${what}`, fine: [] }];

/** `left` is what could not be undone; null when all was. */
const undone = (cause: Refused, left: Refused | null): Outcome =>
  left === null
    ? { kind: 'undone', cause }
    : { kind: 'stuck', cause: new Refused(cause.failure.errno, `${cause.message} ${left.message}`) };

/**
 * None when the membership is right already. Never takes a link out of somebody else's bridge. Throws
 * Refused.
 */
function membershipStep(membership: AddressMove['membership'], from: BareLink, to: BareLink): Step[] {
  if (membership === 'none') return [];
  const [port, bridge] = membership === 'join' ? [from, to] : [to, from];
  const wanted = membership === 'join' ? bridge.index : null;
  if (bridge.detail.kind !== 'bridge') throw new Refused('ENODEV', `${bridge.name} is no bridge.`);
  if (port.master === wanted) return [];
  if (port.master !== null && port.master !== bridge.index) {
    throw new Refused('EBUSY', `${port.name} is a port of another bridge.`);
  }
  const enslave = (master: IfIndex | null): Request => ({
    type: RTM.newLink,
    flags: 0,
    body: Buffer.concat([linkHeader(port.index), u32Attribute(IFLA.master, master ?? 0)]),
  });
  const what = `${membership === 'join' ? `attach ${port.name} to` : `detach ${port.name} from`} ${bridge.name}`;
  return [{ request: enslave(wanted), what, fine: [], undo: enslave(port.master) }];
}

/**
 * Whether the bridge takes the interface can only be tried: what else has its frames (a macvlan of a container) may be
 * in a namespace that nobody here sees into. Into the bridge and out of it in one exchange, which the kernel carries out as a
 * whole: no address is touched, and none is without its interface. Throws Refused.
 */
function expectTaken(requests: Requests, membership: readonly Step[]): void {
  const trial = [...membership, ...membership.flatMap(reverseOf)];
  const refused = firstRefusal(trial, exchange(requests, trial));
  if (refused !== null) throw refused;
}

/** Throws Refused before anything was changed. */
function expectMovable({ addresses, routes }: Load, from: BareLink): void {
  const fixed = routes.find(usesNexthopObject);
  if (fixed !== undefined) {
    const [name] = wayNames(fixed, from.index);
    throw new Refused(
      'EOPNOTSUPP',
      `The route ${name} uses a nexthop object, which cannot be moved: write it with dev or via.`,
    );
  }
  // An unconfirmed address on `to` costs one request more.
  const requests = 2 * addresses.length + routes.length + 1;
  if (requests > REQUESTS_PER_EXCHANGE_MAX) {
    throw new Refused(
      'E2BIG',
      `${from.name} has ${addresses.length} addresses and ${routes.length} routes: too many for one move.`,
    );
  }
}

/**
 * Reads back: everything that was on `from` is on `to`, and what is not is put there once more. An error that names
 * what is missing even so; null when nothing is.
 */
function arrivalFailure(requests: Requests, load: Load, from: BareLink, to: BareLink): Refused | null {
  const missing = (): Load => {
    const there = namesOf(loadOf(requests, to.index), to.index);
    return partOf(load, from.index, (name) => !there.has(name));
  };
  const late = missing();
  if (isEmpty(late)) return null;
  const again = addSteps(requests, late, from, to);
  const refused = firstRefusal(again, exchange(requests, again));
  const lost = missing();
  if (isEmpty(lost)) return null;
  const names = [...namesOf(lost, from.index)].join(', ');
  const why = refused === null ? '' : ` ${refused.message}`;
  return new Refused('ENOENT', `After the move ${to.name} lacks ${names}.${why}`);
}
