import { type IfIndex, ifIndex } from '../../model/ids.js';
import { ipText } from '../../model/ip-text.js';
import type { Address, Route } from '../../model/link.js';
import {
  AF,
  HEADER,
  ROUTE_PROTOCOL_KERNEL,
  ROUTE_TYPE_UNICAST,
  RTA,
  RTM,
  RTM_F_CLONED,
  RTNH_F_ONLINK,
} from '../netlink/constants.js';
import {
  type Attributes,
  attribute,
  decodeAttributes,
  MalformedMessage,
  type Request,
  readU32,
  u32Attribute,
} from '../netlink/message.js';
import { networkRouteName, networkRouteOf } from './addresses.js';

/** One route with the body of its message, as a move needs it. */
export interface RouteMessage {
  readonly route: Route;
  /** One; several when it is a multipath route; none when it leads nowhere (`unreachable`). */
  readonly ways: readonly { readonly over: IfIndex; readonly gateway: string | null }[];
  readonly body: Buffer;
}

/** One way of a multipath route (`struct rtnexthop` and its attributes). */
interface Nexthop {
  readonly flags: number;
  readonly hops: number;
  readonly index: IfIndex;
  readonly attributes: Buffer;
}

/**
 * Decodes the body of RTM_NEWROUTE; null for other families and for routes that are only a cache. Throws
 * MalformedMessage.
 */
export function decodeRoute(body: Buffer): RouteMessage | null {
  if (body.length < HEADER.route) throw new MalformedMessage('a route message is cut');
  const family = body.readUInt8(0);
  if (family !== AF.inet && family !== AF.inet6) return null;
  if ((body.readUInt32LE(8) & RTM_F_CLONED) !== 0) return null;
  const attributes = decodeAttributes(body, HEADER.route);
  const ways = waysOf(attributes);
  return {
    ways,
    body: Buffer.from(body),
    route: {
      family: family === AF.inet ? 'inet' : 'inet6',
      destination: destinationOf(body, attributes),
      gateway: ways.find((way) => way.gateway !== null)?.gateway ?? null,
      table: readU32(attributes.get(RTA.table)) ?? body.readUInt8(4),
      metric: readU32(attributes.get(RTA.priority)) ?? 0,
      protocol: body.readUInt8(5),
      // The cache information counts time and users: it differs in every dump of an unchanged route.
      raw: Buffer.concat([body.subarray(0, HEADER.route), ...encode(attributes, [RTA.cacheInfo])]).toString(
        'hex',
      ),
    },
  };
}

function waysOf(attributes: Attributes): RouteMessage['ways'] {
  const index = readU32(attributes.get(RTA.outputInterface));
  if (index !== undefined) return [{ over: ifIndex(index), gateway: gatewayOf(attributes) }];
  return decodeNexthops(attributes.get(RTA.multipath)).map((hop) => ({
    over: hop.index,
    gateway: gatewayOf(decodeAttributes(hop.attributes)),
  }));
}

function destinationOf(body: Buffer, attributes: Attributes): string {
  const bytes = attributes.get(RTA.destination);
  const length = body.readUInt8(1);
  if (bytes === undefined) return length === 0 ? 'default' : malformed();
  return `${addressText(bytes)}/${length}`;
}

/** RTA_VIA is a gateway of another family: two bytes of family, then the address. */
function gatewayOf(attributes: Attributes): string | null {
  const gateway = attributes.get(RTA.gateway) ?? attributes.get(RTA.via)?.subarray(2);
  return gateway === undefined ? null : addressText(gateway);
}

const addressText = (bytes: Buffer): string =>
  bytes.length === 4 || bytes.length === 16 ? ipText(bytes) : malformed();

function malformed(): never {
  throw new MalformedMessage('an address in a route has a wrong length');
}

function decodeNexthops(value: Buffer | undefined): Nexthop[] {
  const nexthops: Nexthop[] = [];
  let at = 0;
  while (value !== undefined && at < value.length) {
    const length = value.length - at < HEADER.nexthop ? 0 : value.readUInt16LE(at);
    if (length < HEADER.nexthop || length > value.length - at) throw new MalformedMessage('a nexthop is cut');
    nexthops.push({
      flags: value.readUInt8(at + 2),
      hops: value.readUInt8(at + 3),
      index: ifIndex(value.readInt32LE(at + 4)),
      attributes: value.subarray(at + HEADER.nexthop, at + length),
    });
    at += (length + 3) & ~3;
  }
  return nexthops;
}

function encodeNexthop({ flags, hops, index, attributes }: Nexthop): Buffer {
  const bytes = Buffer.alloc(HEADER.nexthop);
  bytes.writeUInt16LE(HEADER.nexthop + attributes.length, 0);
  bytes.writeUInt8(flags & RTNH_F_ONLINK, 2);
  bytes.writeUInt8(hops, 3);
  bytes.writeInt32LE(index, 4);
  return Buffer.concat([bytes, attributes]);
}

const encode = (attributes: Attributes, without: readonly number[]): Buffer[] =>
  [...attributes].filter(([type]) => !without.includes(type)).map(([type, value]) => attribute(type, value));

/**
 * Asks for every route of a family over one link, in all tables (kernels before 4.20 answer with all routes:
 * filter again).
 */
export function dumpRoutes(family: 'inet' | 'inet6', over: IfIndex): Request {
  const header = Buffer.alloc(HEADER.route);
  header.writeUInt8(AF[family], 0);
  return {
    type: RTM.getRoute,
    flags: 0,
    body: Buffer.concat([header, u32Attribute(RTA.outputInterface, over)]),
  };
}

/**
 * Routes that the kernel makes by itself when one of the addresses comes: local, broadcast, anycast, multicast, and
 * IPv4's to the connected network, which a link has once for several addresses, with the first as its source. Others
 * (NetworkManager) make routes to connected networks with protocol `kernel` too: those are not among them.
 */
export function comesWithAddress({ route, body }: RouteMessage, addresses: readonly Address[]): boolean {
  if (route.protocol !== ROUTE_PROTOCOL_KERNEL) return false;
  if (body.readUInt8(7) !== ROUTE_TYPE_UNICAST) return true;
  const source = decodeAttributes(body, HEADER.route).get(RTA.source);
  if (route.gateway !== null || source === undefined) return false;
  const name = networkRouteName(route.destination, addressText(source));
  return addresses.some((address) => networkRouteOf(address) === name);
}

/**
 * What tells the ways of this route over one link apart from every other route: for comparing before with
 * after.
 */
export function wayNames({ route, ways, body }: RouteMessage, over: IfIndex): string[] {
  const type = body.readUInt8(7) === ROUTE_TYPE_UNICAST ? '' : ` type ${body.readUInt8(7)}`;
  const tos = body.readUInt8(3) === 0 ? '' : ` tos ${body.readUInt8(3)}`;
  return ways
    .filter((way) => way.over === over)
    .map(({ gateway }) => {
      const via = gateway === null ? '' : ` via ${gateway}`;
      return `${route.destination}${via} table ${route.table} metric ${route.metric}${tos}${type}`;
    });
}

/**
 * The route uses a nexthop object (`ip nexthop`), which belongs to a link by itself: it cannot be moved route
 * by route.
 */
export const usesNexthopObject = ({ body }: RouteMessage): boolean =>
  decodeAttributes(body, HEADER.route).has(RTA.nexthopId);

/**
 * The body of a message that adds or deletes the route with `to` in the place of `from`. IPv6 keeps each way
 * of a multipath route as a route of its own, so only the ways over `from` are named; IPv4 has one route with
 * all ways.
 */
export function routeOver({ body, route }: RouteMessage, from: IfIndex, to: IfIndex): Buffer {
  const attributes = decodeAttributes(body, HEADER.route);
  const header = Buffer.from(body.subarray(0, HEADER.route));
  header.writeUInt32LE(header.readUInt32LE(8) & RTNH_F_ONLINK, 8);
  const nexthops = decodeNexthops(attributes.get(RTA.multipath))
    .filter((hop) => route.family === 'inet' || hop.index === from)
    .map((hop) => encodeNexthop(hop.index === from ? { ...hop, index: to } : hop));
  const replaced = [RTA.outputInterface, RTA.multipath, RTA.cacheInfo, RTA.inputInterface, RTA.expires];
  const lifetime = remainingSeconds(attributes);
  return Buffer.concat([
    header,
    ...encode(attributes, replaced),
    nexthops.length > 0
      ? attribute(RTA.multipath, Buffer.concat(nexthops))
      : u32Attribute(RTA.outputInterface, to),
    ...(lifetime === null ? [] : [u32Attribute(RTA.expires, lifetime)]),
  ]);
}

/**
 * `rta_cacheinfo`'s third number: hundredths of a second until a route from a router advertisement ends; 0:
 * never.
 */
function remainingSeconds(attributes: Attributes): number | null {
  const value = attributes.get(RTA.cacheInfo);
  if (value === undefined || value.length < 12) return null;
  const hundredths = value.readInt32LE(8);
  return hundredths > 0 ? Math.ceil(hundredths / 100) : null;
}
