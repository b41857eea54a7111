import { type IfIndex, ifIndex } from '../../model/ids.js';
import { ipText } from '../../model/ip-text.js';
import type { Address } from '../../model/link.js';
import { AF, HEADER, IFA, IFA_F, RTM } from '../netlink/constants.js';
import {
  type Attributes,
  attribute,
  decodeAttributes,
  MalformedMessage,
  type Request,
  readU32,
  u32Attribute,
} from '../netlink/message.js';

const LIFETIME_INFINITE = 0xffffffff;

/**
 * Decodes the body of RTM_NEWADDR or RTM_DELADDR; null for a family other than IPv4 and IPv6. Throws
 * MalformedMessage.
 */
export function decodeAddress(body: Buffer): { readonly index: IfIndex; readonly address: Address } | null {
  if (body.length < HEADER.address) throw new MalformedMessage('an address message is cut');
  const family = body.readUInt8(0);
  if (family !== AF.inet && family !== AF.inet6) return null;
  const attributes = decodeAttributes(body, HEADER.address);
  // On a point-to-point link IFA_ADDRESS is the far end and IFA_LOCAL this one.
  const local = attributes.get(IFA.local) ?? attributes.get(IFA.address);
  if (local?.length !== (family === AF.inet ? 4 : 16))
    throw new MalformedMessage('an address has a wrong length');
  return {
    index: ifIndex(body.readUInt32LE(4)),
    address: {
      family: family === AF.inet ? 'inet' : 'inet6',
      address: ipText(local),
      prefixLength: body.readUInt8(1),
      scope: body.readUInt8(3),
      leased: validLifetime(attributes) !== LIFETIME_INFINITE,
      raw: body.toString('hex'),
    },
  };
}

/** `ifa_cacheinfo` is: preferred lifetime, valid lifetime, two time stamps; seconds. */
function validLifetime(attributes: Attributes): number {
  const value = attributes.get(IFA.cacheInfo);
  if (value === undefined) return LIFETIME_INFINITE;
  if (value.length < 8) throw new MalformedMessage('the lifetimes of an address are cut');
  return value.readUInt32LE(4);
}

/** The address as it stays while a DHCP client or a router renews it: the kernel counts the lifetimes down meanwhile. */
export function withoutLifetimes(address: Address): Address {
  const body = Buffer.from(address.raw, 'hex');
  const kept = [...decodeAttributes(body, HEADER.address)].filter(([type]) => type !== IFA.cacheInfo);
  const attributes = kept.map(([type, value]) => attribute(type, value));
  return {
    ...address,
    raw: Buffer.concat([body.subarray(0, HEADER.address), ...attributes]).toString('hex'),
  };
}

/** What the kernel itself tells two addresses of one link apart by. */
export const addressKey = (address: Address): string =>
  `${address.address}/${address.prefixLength} ${peerOf(address)}`;

function peerOf(address: Address): string {
  return (
    decodeAttributes(Buffer.from(address.raw, 'hex'), HEADER.address).get(IFA.address)?.toString('hex') ?? ''
  );
}

/** Asks for every address of the host, or of one link (kernels before 4.20 answer with all: filter again). */
export function dumpAddresses(index: IfIndex | 0): Request {
  const body = Buffer.alloc(HEADER.address);
  body.writeUInt32LE(index, 4);
  return { type: RTM.getAddress, flags: 0, body };
}

/** IFA_FLAGS, or the eight bits of the fixed part on old kernels. */
const flagsOf = (body: Buffer, attributes: Attributes): number =>
  readU32(attributes.get(IFA.flags)) ?? body.readUInt8(2);

/** Duplicate address detection has not ended yet, or found another owner. */
export function isUnconfirmed(address: Address): boolean {
  const body = Buffer.from(address.raw, 'hex');
  const flags = flagsOf(body, decodeAttributes(body, HEADER.address));
  return (flags & (IFA_F.tentative | IFA_F.dadFailed)) !== 0;
}

/**
 * The route to its own network that the kernel makes for an IPv4 address, as `networkRouteName` names it; null where it
 * makes none (`noprefixroute`), and for IPv6.
 */
export function networkRouteOf(address: Address): string | null {
  const body = Buffer.from(address.raw, 'hex');
  const attributes = decodeAttributes(body, HEADER.address);
  const peer = attributes.get(IFA.address);
  const isWithout = (flagsOf(body, attributes) & IFA_F.noPrefixRoute) !== 0;
  if (address.family !== 'inet' || isWithout || peer?.length !== 4) return null;
  const hostBits = 32 - address.prefixLength;
  const network = Buffer.alloc(4);
  network.writeUInt32BE(Math.floor(peer.readUInt32BE(0) / 2 ** hostBits) * 2 ** hostBits);
  return networkRouteName(`${ipText(network)}/${address.prefixLength}`, address.address);
}

/** A connected network together with the address that its packets go out with. */
export const networkRouteName = (destination: string, source: string): string =>
  `${destination} from ${source}`;

/**
 * The body of a RTM_NEWADDR that gives `address` to the link `to`, with everything it has: peer, scope,
 * broadcast, lifetimes, metric of its route. IPv6 skips duplicate address detection (else it is unusable for
 * two seconds), unless detection had not passed. Only the label is dropped: it has to begin with the link's
 * name, and behind a bridge's 14 characters there is no room for another (`eth0:1`); nothing but the old
 * ifconfig shows it.
 */
export function addressFor(address: Address, to: IfIndex): Buffer {
  const body = Buffer.from(address.raw, 'hex');
  const attributes = new Map(decodeAttributes(body, HEADER.address));
  const trusted = address.family === 'inet6' && !isUnconfirmed(address);
  const state = IFA_F.temporary | IFA_F.dadFailed | IFA_F.tentative | IFA_F.permanent;
  const wanted = (flagsOf(body, attributes) & ~state) | (trusted ? IFA_F.noDad : 0);
  attributes.delete(IFA.label);
  attributes.delete(IFA.flags);
  const header = Buffer.from(body.subarray(0, HEADER.address));
  header.writeUInt8(wanted & 0xff, 2);
  header.writeUInt32LE(to, 4);
  return Buffer.concat([
    header,
    ...[...attributes].map(([type, value]) => attribute(type, value)),
    u32Attribute(IFA.flags, wanted),
  ]);
}

/**
 * The body of a RTM_DELADDR for `address` on the link `index`: as dumped, without what would have to match.
 */
export function addressOn(address: Address, index: IfIndex): Buffer {
  const body = Buffer.from(address.raw, 'hex');
  const attributes = decodeAttributes(body, HEADER.address);
  const header = Buffer.from(body.subarray(0, HEADER.address));
  header.writeUInt32LE(index, 4);
  const identity = [IFA.address, IFA.local].flatMap((type) => {
    const value = attributes.get(type);
    return value === undefined ? [] : [attribute(type, value)];
  });
  return Buffer.concat([header, ...identity]);
}
