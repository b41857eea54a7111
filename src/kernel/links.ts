import { type IfIndex, ifIndex, type LinkName, linkName } from '../model/ids.js';
import type { Ipv4Settings, Ipv6Settings, Link, LinkDetail } from '../model/link.js';
import { LINK_NAME_LENGTH_MAX } from '../model/names.js';
import { decodeTunnel } from './forwarding/tunnel-detail.js';
import {
  AF,
  DEVCONF,
  ETHERTYPE,
  HEADER,
  IFF_UP,
  IFLA,
  IPV4_DEVCONF,
  NETCONFA,
  RTEXT_FILTER_SKIP_STATS,
  RTM,
} from './netlink/constants.js';
import {
  type Attributes,
  decodeAttributes,
  MalformedMessage,
  type Request,
  readText,
  readU8,
  readU16,
  readU16BigEndian,
  readU32,
  textAttribute,
  u32Attribute,
  valuesOf,
} from './netlink/message.js';

/** A link as its own message tells it: without addresses, which come in messages of their own. */
export type BareLink = Omit<Link, 'addresses'>;

const LINK_ATTRIBUTES: ReadonlySet<number> = new Set([
  IFLA.address,
  IFLA.name,
  IFLA.mtu,
  IFLA.link,
  IFLA.master,
  IFLA.linkInfo,
  IFLA.alias,
  IFLA.group,
  IFLA.afSpec,
  IFLA.linkNetnsId,
  IFLA.propList,
]);

/**
 * Decodes the body of RTM_NEWLINK or RTM_DELLINK. null: the message is not about a link as such (a bridge
 * announces its ports' changes with family AF_BRIDGE, where RTM_DELLINK means that a port left).
 * Throws MalformedMessage.
 */
export function decodeLink(body: Buffer): BareLink | null {
  if (body.length < HEADER.link) throw new MalformedMessage('a link message is cut');
  if (body.readUInt8(0) !== AF.unspec) return null;
  const attributes = decodeAttributes(body, HEADER.link, LINK_ATTRIBUTES);
  const index = body.readInt32LE(4);
  const name = readText(attributes.get(IFLA.name));
  if (name === undefined || !isLinkName(name) || index <= 0) {
    throw new MalformedMessage('a link message has no name or no index');
  }
  const master = readU32(attributes.get(IFLA.master)) ?? 0;
  return {
    index: ifIndex(index),
    name: linkName(name),
    altNames: decodeAltNames(attributes.get(IFLA.propList)),
    up: (body.readUInt32LE(8) & IFF_UP) !== 0,
    mac: readMac(attributes.get(IFLA.address)),
    mtu: readU32(attributes.get(IFLA.mtu)) ?? 0,
    master: master === 0 ? null : ifIndex(master),
    group: readU32(attributes.get(IFLA.group)) ?? 0,
    alias: readText(attributes.get(IFLA.alias)) ?? '',
    detail: decodeDetail(attributes),
    ...decodeSettings(attributes.get(IFLA.afSpec)),
  };
}

/** The index in the body of a link's message; null: `decodeLink` would have none either. */
export const indexOfLink = (body: Buffer): number | null =>
  body.length >= HEADER.link && body.readUInt8(0) === AF.unspec ? body.readInt32LE(4) : null;

/** What the kernel itself lets a link be called (`dev_valid_name`): anything else is no name but a torn message. */
const isLinkName = (name: string): boolean =>
  name !== '' && name.length <= LINK_NAME_LENGTH_MAX && !/[/: \t\n\v\f\r]/.test(name);

const readMac = (value: Buffer | undefined): string =>
  value === undefined ? '' : value.toString('hex').replace(/(..)(?=.)/g, '$1:');

const decodeAltNames = (properties: Buffer | undefined): string[] =>
  properties === undefined
    ? []
    : valuesOf(properties, IFLA.altName).flatMap((value) => readText(value) ?? []);

function decodeDetail(attributes: Attributes): LinkDetail {
  const nested = attributes.get(IFLA.linkInfo);
  if (nested === undefined) return { kind: 'other', type: '' };
  const info = decodeAttributes(nested);
  const kind = readText(info.get(IFLA.infoKind)) ?? '';
  const data = info.get(IFLA.infoData);
  if (kind === 'bridge' && data !== undefined) return decodeBridge(decodeAttributes(data));
  if (kind === 'vlan' && data !== undefined) return decodeVlan(decodeAttributes(data), parentOf(attributes));
  const tunnel = kind === 'vxlan' && data !== undefined ? decodeTunnel(data, attributes) : null;
  return tunnel === null ? { kind: 'other', type: kind } : { kind: 'vxlan', ...tunnel };
}

function decodeBridge(data: Attributes): LinkDetail {
  const filtering = readU8(data.get(IFLA.bridgeVlanFiltering));
  return {
    kind: 'bridge',
    stp: (readU32(data.get(IFLA.bridgeStpState)) ?? 0) !== 0,
    // The kernel counts bridge times in hundredths of a second (USER_HZ).
    forwardDelayMs: (readU32(data.get(IFLA.bridgeForwardDelay)) ?? 0) * 10,
    // Only a kernel that can filter has a protocol to filter by; the switch is there in every kernel.
    vlanFiltering: data.has(IFLA.bridgeVlanProtocol) ? filtering !== 0 : null,
  };
}

function decodeVlan(data: Attributes, parent: IfIndex): LinkDetail {
  const protocol = readU16BigEndian(data.get(IFLA.vlanProtocol)) ?? ETHERTYPE.vlan;
  return {
    kind: 'vlan',
    parent,
    vlanId: readU16(data.get(IFLA.vlanId)) ?? 0,
    protocol: protocol === ETHERTYPE.vlan ? '802.1Q' : '802.1ad',
  };
}

/**
 * A parent in another network namespace is numbered there; it must not be taken for a link here, so it is 0.
 */
function parentOf(attributes: Attributes): IfIndex {
  return ifIndex(attributes.has(IFLA.linkNetnsId) ? 0 : (readU32(attributes.get(IFLA.link)) ?? 0));
}

/** IFLA_AF_SPEC holds one attribute per address family, each with the link's sysctls of that family as an array. */
function decodeSettings(spec: Buffer | undefined): Pick<BareLink, 'ipv4' | 'ipv6'> {
  const families: Attributes = spec === undefined ? new Map() : decodeAttributes(spec);
  return { ipv4: decodeIpv4(families.get(AF.inet)), ipv6: decodeIpv6(families.get(AF.inet6)) };
}

function decodeIpv4(inet: Buffer | undefined): Ipv4Settings | null {
  const settings = inet === undefined ? undefined : decodeAttributes(inet).get(IFLA.inetConf);
  if (settings === undefined) return null;
  if (settings.length < 4 * IPV4_DEVCONF.arpIgnore) throw new MalformedMessage('the IPv4 settings are cut');
  const at = (number: number) => settings.readInt32LE(4 * (number - 1));
  return {
    forwarding: at(IPV4_DEVCONF.forwarding) !== 0,
    rpFilter: at(IPV4_DEVCONF.rpFilter),
    arpIgnore: at(IPV4_DEVCONF.arpIgnore),
  };
}

function decodeIpv6(inet6: Buffer | undefined): Ipv6Settings | null {
  const settings = inet6 === undefined ? undefined : decodeAttributes(inet6).get(IFLA.inet6Conf);
  if (settings === undefined) return null;
  if (settings.length < 4 * (DEVCONF.disableIpv6 + 1))
    throw new MalformedMessage('the IPv6 settings are cut');
  const at = (position: number) => settings.readInt32LE(4 * position);
  return {
    disabled: at(DEVCONF.disableIpv6) !== 0,
    acceptRa: at(DEVCONF.acceptRa),
    autoconf: at(DEVCONF.autoconf) !== 0,
    forwarding: at(DEVCONF.forwarding) !== 0,
  };
}

/** The link whose settings a RTM_NEWNETCONF is about; null: it is about the whole host. Throws MalformedMessage. */
export function linkOfSettings(body: Buffer): IfIndex | null {
  const index = readU32(decodeAttributes(body, HEADER.settings).get(NETCONFA.index)) ?? 0;
  // -1 and -2 are `all` and `default`.
  return index === 0 || index > 0x7fffffff ? null : ifIndex(index);
}

/** The fixed part of a link message: `ifinfomsg`. */
export function linkHeader(index: IfIndex | 0, flags = 0, change = 0): Buffer {
  const bytes = Buffer.alloc(HEADER.link);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(change, 12);
  return bytes;
}

const withoutStatistics = u32Attribute(IFLA.extMask, RTEXT_FILTER_SKIP_STATS);

/** Asks for every link. */
export const dumpLinks = (): Request => ({
  type: RTM.getLink,
  flags: 0,
  body: Buffer.concat([linkHeader(0), withoutStatistics]),
});

/** Asks for the ports of a bridge (kernels before 4.20 answer with every link: filter again). */
export const dumpPorts = (bridge: IfIndex): Request => ({
  type: RTM.getLink,
  flags: 0,
  body: Buffer.concat([linkHeader(0), u32Attribute(IFLA.master, bridge), withoutStatistics]),
});

/** Asks for one link, by index or by name. */
export const getLink = (which: IfIndex | LinkName): Request => ({
  type: RTM.getLink,
  flags: 0,
  body:
    typeof which === 'number'
      ? Buffer.concat([linkHeader(which), withoutStatistics])
      : Buffer.concat([linkHeader(0), withoutStatistics, textAttribute(IFLA.name, which)]),
});
