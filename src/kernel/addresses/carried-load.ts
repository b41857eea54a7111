import type { IfIndex } from '../../model/ids.js';
import type { Address } from '../../model/link.js';
import type { BareLink } from '../links.js';
import { type Neighbour, neighbourName, neighbourOver } from '../neighbours.js';
import { NLM_F, RTM } from '../netlink/constants.js';
import type { Request } from '../netlink/message.js';
import { Refused } from '../netlink/refused.js';
import { type Answer, REQUESTS_PER_EXCHANGE_MAX, type Requests } from '../netlink/requests.js';
import { addressFor, addressKey, addressOn, isUnconfirmed } from './addresses.js';
import { addressesOn, neighboursOver, routesOver } from './carried.js';
import { comesWithAddress, type RouteMessage, routeOver, wayNames } from './routes.js';

/** What a link carries and another is to carry. */
export interface Load {
  readonly addresses: readonly Address[];
  /** Routes without a gateway come first: those with one need them. */
  readonly routes: readonly RouteMessage[];
  readonly neighbours: readonly Neighbour[];
}

/** One request of an exchange. */
export interface Step {
  readonly request: Request;
  /** As in `could not …`. */
  readonly what: string;
  /** Refusals that say that it is so already. */
  readonly fine: readonly string[];
  /** Takes it back. */
  readonly undo?: Request;
}

/** What a link carries now, without the routes that the kernel makes by itself. Throws KernelError. */
export function loadOf(requests: Requests, index: IfIndex): Load {
  const addresses = addressesOn(requests, index);
  const routes = routesOver(requests, index).filter((message) => !comesWithAddress(message, addresses));
  const direct = routes.filter(({ route }) => route.gateway === null);
  const indirect = routes.filter(({ route }) => route.gateway !== null);
  return { addresses, routes: [...direct, ...indirect], neighbours: neighboursOver(requests, index) };
}

/** What tells each thing of a load apart from every other one, whichever link carries it. */
export const namesOf = ({ addresses, routes, neighbours }: Load, index: IfIndex): Set<string> =>
  new Set([
    ...addresses.map(addressKey),
    ...routes.flatMap((message) => wayNames(message, index)),
    ...neighbours.map(neighbourName),
  ]);

/** The part of a load on the link `index` whose names `wanted` takes. */
export const partOf = (
  { addresses, routes, neighbours }: Load,
  index: IfIndex,
  wanted: (name: string) => boolean,
): Load => ({
  addresses: addresses.filter((address) => wanted(addressKey(address))),
  routes: routes.filter((message) => wayNames(message, index).some(wanted)),
  neighbours: neighbours.filter((neighbour) => wanted(neighbourName(neighbour))),
});

export const isEmpty = ({ addresses, routes, neighbours }: Load): boolean =>
  addresses.length + routes.length + neighbours.length === 0;

/** Gives the load of the link `from` to the link `to`, which may be the same one. Throws KernelError. */
export function addSteps(requests: Requests, load: Load, from: BareLink, to: BareLink): Step[] {
  const there = new Map(addressesOn(requests, to.index).map((address) => [addressKey(address), address]));
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
  return [...addresses, ...routes, ...neighbourSteps(requests, load, to)];
}

function neighbourSteps(requests: Requests, { neighbours }: Load, to: BareLink): Step[] {
  const there = new Set(neighboursOver(requests, to.index).map(neighbourName));
  return neighbours.map((neighbour): Step => {
    const body = neighbourOver(neighbour, to.index);
    const add = {
      request: { type: RTM.newNeighbour, flags: NLM_F.create | NLM_F.replace, body },
      what: `give ${to.name} the ${neighbourName(neighbour)}`,
      fine: [],
    };
    return there.has(neighbourName(neighbour))
      ? add
      : { ...add, undo: { type: RTM.delNeighbour, flags: 0, body } };
  });
}

/**
 * Takes a load from the link that carries it. Secondary addresses come after their primary, and would be deleted
 * with it: so backwards.
 */
export function removeSteps(load: Load, from: BareLink): Step[] {
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
  // The kernel throws all of a link's neighbours away with its last address.
  const neighbours = load.neighbours.map(
    (neighbour): Step => ({
      request: { type: RTM.delNeighbour, flags: 0, body: neighbourOver(neighbour, from.index) },
      what: `take the ${neighbourName(neighbour)} from ${from.name}`,
      fine: ['ENOENT'],
    }),
  );
  return [...addresses, ...routes, ...neighbours];
}

/**
 * Carries out the steps in one datagram; the answers in the same order. Only permanent neighbours, which come last, may be so many
 * that they take further ones: without one the host asks, and is answered. Throws KernelError.
 */
export function exchange(requests: Requests, steps: readonly Step[]): Answer[] {
  const answers: Answer[] = [];
  while (answers.length < steps.length) {
    const next = steps.slice(answers.length, answers.length + REQUESTS_PER_EXCHANGE_MAX);
    answers.push(...requests.exchange(next.map(({ request }) => request)));
  }
  return answers;
}

/** The first step that the kernel refused, as an error; null when all is well. */
export function firstRefusal(steps: readonly Step[], answers: readonly Answer[]): Refused | null {
  for (const [position, { what, fine }] of steps.entries()) {
    const answer = answers[position];
    if (answer !== undefined && !answer.ok && !fine.includes(answer.errno)) {
      return new Refused(answer.errno, `Could not ${what}: ${answer.message}.`);
    }
  }
  return null;
}

/** Takes back the steps that were done, last one first; what of it could not be taken back, null when all was. */
export function takeBack(
  requests: Requests,
  steps: readonly Step[],
  answers: readonly Answer[],
): Refused | null {
  const undo = steps.flatMap(({ undo: request, what }, position): Step[] =>
    request !== undefined && answers[position]?.ok === true
      ? [{ request, what: `take back: ${what}`, fine: ['EADDRNOTAVAIL', 'ESRCH', 'ENOENT'] }]
      : [],
  );
  undo.reverse();
  return firstRefusal(undo, exchange(requests, undo));
}
