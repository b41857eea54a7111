import type { IfIndex } from '../model/ids.js';
import type { Address } from '../model/link.js';
import type { OperationOf } from '../model/operation.js';
import { addressFor, addressKey, addressOn, isUnconfirmed } from './addresses.js';
import { addressesOn, routesOver } from './carried.js';
import { IFLA, NLM_F, RTM } from './constants.js';
import { type Host, presentLink } from './host.js';
import { type BareLink, linkHeader } from './links.js';
import { type Request, u32Attribute } from './message.js';
import { Refused } from './refused.js';
import { type Answer, REQUESTS_PER_EXCHANGE_MAX } from './requests.js';
import { comesWithAddress, type RouteMessage, routeOver, usesNexthopObject, wayNames } from './routes.js';

/** What a link carries and another is to carry. */
interface Load {
  readonly addresses: readonly Address[];
  /** Those without a gateway first: the others need them. */
  readonly routes: readonly RouteMessage[];
}

/** One request of an exchange. */
interface Step {
  readonly request: Request;
  /** As in `could not …`. */
  readonly what: string;
  /** Refusals that say that it is so already. */
  readonly fine: readonly string[];
  /** Takes it back. */
  readonly undo?: Request;
}

/**
 * Moves every address and route of one link to another without a moment in which the host has neither: first
 * all of it is added to `to`, then in one datagram, which the kernel carries out even when the process is
 * killed meanwhile, the membership of the bridge changes and `from` loses what it had. Finding half of it
 * done is fine. Throws Refused; then everything is as before, or the message says what is not.
 */
export function moveAddresses(host: Host, op: OperationOf<'move-addresses'>): void {
  const from = presentLink(host, op.from);
  const to = presentLink(host, op.to);
  const membership = membershipStep(op, from, to);
  const load = loadOf(host, from.index);
  expectMovable(load, from);

  const adding = addSteps(host, load, from, to);
  const added = exchange(host, adding);
  const refused = firstRefusal(adding, added);
  if (refused !== null) throw takenBack(host, adding, added, refused);

  const removing = [...membership, ...removeSteps(load, from)];
  const removed = exchange(host, removing);
  const notJoined = firstRefusal(membership, removed);
  if (notJoined !== null) {
    // The kernel went on with the rest all the same: give `from` back what it had before `to` loses it.
    const restoring = addSteps(host, load, from, from);
    const lost = firstRefusal(restoring, exchange(host, restoring));
    if (lost !== null) {
      throw new Refused(lost.failure.errno, `${notJoined.message} ${lost.message} ${to.name} keeps it.`);
    }
    throw takenBack(host, adding, added, notJoined);
  }
  const notRemoved = firstRefusal(removing, removed);
  if (notRemoved !== null) throw notRemoved;
  expectArrived(host, load, from, to);
}

/**
 * None when the membership is right already. Never takes a link out of somebody else's bridge. Throws
 * Refused.
 */
function membershipStep(op: OperationOf<'move-addresses'>, from: BareLink, to: BareLink): Step[] {
  if (op.membership === 'none') return [];
  const [port, bridge] = op.membership === 'join' ? [from, to] : [to, from];
  const wanted = op.membership === 'join' ? bridge.index : null;
  if (bridge.detail.kind !== 'bridge') throw new Refused('ENODEV', `${bridge.name} is no bridge.`);
  if (port.master === wanted) return [];
  if (port.master !== null && port.master !== bridge.index) {
    throw new Refused('EBUSY', `${port.name} is a port of another bridge.`);
  }
  const body = Buffer.concat([linkHeader(port.index), u32Attribute(IFLA.master, wanted ?? 0)]);
  const what = op.membership === 'join' ? `attach ${port.name} to` : `detach ${port.name} from`;
  return [{ request: { type: RTM.newLink, flags: 0, body }, what: `${what} ${bridge.name}`, fine: [] }];
}

function loadOf(host: Host, index: IfIndex): Load {
  const routes = routesOver(host.requests, index).filter((message) => !comesWithAddress(message));
  const direct = routes.filter(({ route }) => route.gateway === null);
  const indirect = routes.filter(({ route }) => route.gateway !== null);
  return { addresses: addressesOn(host.requests, index), routes: [...direct, ...indirect] };
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

function addSteps(host: Host, load: Load, from: BareLink, to: BareLink): Step[] {
  const there = new Map(
    addressesOn(host.requests, to.index).map((address) => [addressKey(address), address]),
  );
  const addresses = load.addresses.flatMap((address): Step[] => {
    const existing = there.get(addressKey(address));
    const remove: Request = { type: RTM.delAddress, flags: 0, body: addressOn(address, to.index) };
    const what = `give ${to.name} the address ${address.address}/${address.prefixLength}`;
    const add = {
      type: RTM.newAddress,
      flags: NLM_F.create | NLM_F.replace,
      body: addressFor(address, to.index),
    };
    if (existing === undefined) return [{ request: add, what, fine: [], undo: remove }];
    // An address cannot be spared duplicate address detection once that has begun; nothing uses it yet.
    const replaced = isUnconfirmed(existing) ? [{ request: remove, what, fine: ['EADDRNOTAVAIL'] }] : [];
    return [...replaced, { request: add, what, fine: [] }];
  });
  const routes = load.routes.map((message): Step => {
    const body = routeOver(message, from.index, to.index);
    return {
      request: { type: RTM.newRoute, flags: NLM_F.create | NLM_F.append, body },
      what: `give ${to.name} the route ${wayNames(message, from.index)[0]}`,
      fine: ['EEXIST'],
      undo: { type: RTM.delRoute, flags: 0, body },
    };
  });
  return [...addresses, ...routes];
}

/** Secondary addresses come after their primary, and would be deleted with it: so backwards. */
function removeSteps(load: Load, from: BareLink): Step[] {
  const addresses = [...load.addresses].reverse().map(
    (address): Step => ({
      request: { type: RTM.delAddress, flags: 0, body: addressOn(address, from.index) },
      what: `take the address ${address.address}/${address.prefixLength} from ${from.name}`,
      fine: ['EADDRNOTAVAIL'],
    }),
  );
  // Many of them went with the addresses.
  const routes = load.routes.map(
    (message): Step => ({
      request: { type: RTM.delRoute, flags: 0, body: routeOver(message, from.index, from.index) },
      what: `take the route ${wayNames(message, from.index)[0]} from ${from.name}`,
      fine: ['ESRCH', 'ENOENT'],
    }),
  );
  return [...addresses, ...routes];
}

const exchange = (host: Host, steps: readonly Step[]): Answer[] =>
  host.requests.exchange(steps.map(({ request }) => request));

/** The first step that the kernel refused, as an error; null when all is well. */
function firstRefusal(steps: readonly Step[], answers: readonly Answer[]): Refused | null {
  for (const [position, { what, fine }] of steps.entries()) {
    const answer = answers[position];
    if (answer !== undefined && !answer.ok && !fine.includes(answer.errno)) {
      return new Refused(answer.errno, `Could not ${what}: ${answer.message}.`);
    }
  }
  return null;
}

/** Takes back the steps that were done, last one first, and gives the error to throw. */
function takenBack(host: Host, steps: readonly Step[], answers: readonly Answer[], cause: Refused): Refused {
  const undo = steps.flatMap(({ undo: request, what }, position): Step[] =>
    request !== undefined && answers[position]?.ok === true
      ? [{ request, what: `take back: ${what}`, fine: ['EADDRNOTAVAIL', 'ESRCH', 'ENOENT'] }]
      : [],
  );
  undo.reverse();
  const left = firstRefusal(undo, exchange(host, undo));
  if (left === null) return cause;
  return new Refused(cause.failure.errno, `${cause.message} ${left.message}`);
}

/** Reads back: everything that was on `from` is on `to`. Throws Refused that names what is missing. */
function expectArrived(host: Host, load: Load, from: BareLink, to: BareLink): void {
  const addresses = new Set(addressesOn(host.requests, to.index).map(addressKey));
  const routes = new Set(
    routesOver(host.requests, to.index).flatMap((message) => wayNames(message, to.index)),
  );
  const missing = [
    ...load.addresses.filter((address) => !addresses.has(addressKey(address))).map(({ address }) => address),
    ...load.routes.flatMap((message) => wayNames(message, from.index)).filter((name) => !routes.has(name)),
  ];
  if (missing.length > 0) {
    throw new Refused('ENOENT', `After the move ${to.name} lacks ${missing.join(', ')}.`);
  }
}
