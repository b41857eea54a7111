import type { IfIndex } from '../../model/ids.js';
import type { Address } from '../../model/link.js';
import { decodeNeighbour, dumpNeighbours, type Neighbour } from '../neighbours.js';
import type { Requests } from '../netlink/requests.js';
import { decodeAddress, dumpAddresses } from './addresses.js';
import { decodeRoute, dumpRoutes, type RouteMessage } from './routes.js';

/** The addresses on a link now. Throws KernelError. */
export const addressesOn = (requests: Requests, index: IfIndex): Address[] =>
  requests
    .dump(dumpAddresses(index), decodeAddress)
    .flatMap((found) => (found.index === index ? [found.address] : []));

/** The permanent neighbours over the link now. Throws KernelError. */
export const neighboursOver = (requests: Requests, index: IfIndex): Neighbour[] =>
  (['inet', 'inet6'] as const)
    .flatMap((family) => requests.dump(dumpNeighbours(family, index), decodeNeighbour))
    .filter((neighbour) => neighbour.index === index);

/** Every route over the link now, IPv4 and IPv6, in all tables. Throws KernelError. */
export const routesOver = (requests: Requests, index: IfIndex): RouteMessage[] =>
  (['inet', 'inet6'] as const)
    .flatMap((family) => requests.dump(dumpRoutes(family, index), decodeRoute))
    .filter(({ ways }) => ways.some(({ over }) => over === index));
