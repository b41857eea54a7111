import { ifIndex } from '../../model/ids.js';
import { ipText } from '../../model/ip-text.js';
import type { TunnelDetail } from '../../model/link.js';
import { IFLA, VXLAN } from '../netlink/constants.js';
import { type Attributes, decodeAttributes, readU8, readU16BigEndian, readU32 } from '../netlink/message.js';

/** The one that the kernel listens on when none is said: older than the standard's 4789. */
const KERNEL_PORT = 8472;

/**
 * What IFLA_INFO_DATA says of a VXLAN device; null: it takes its VNIs from elsewhere (`external`), and is none of one
 * network. `link`: the attributes of its link. Throws MalformedMessage.
 */
export function decodeTunnel(data: Buffer, link: Attributes): TunnelDetail | null {
  const told = decodeAttributes(data);
  if ((readU8(told.get(VXLAN.collectMetadata)) ?? 0) !== 0) return null;
  const underlay = link.has(IFLA.linkNetnsId) ? 0 : (readU32(told.get(VXLAN.link)) ?? 0);
  return {
    vni: readU32(told.get(VXLAN.vni)) ?? 0,
    port: readU16BigEndian(told.get(VXLAN.port)) ?? KERNEL_PORT,
    local: addressOf(told.get(VXLAN.local) ?? told.get(VXLAN.local6)),
    group: addressOf(told.get(VXLAN.group) ?? told.get(VXLAN.group6)),
    underlay: underlay === 0 ? null : ifIndex(underlay),
    learning: (readU8(told.get(VXLAN.learning)) ?? 0) !== 0,
    proxy: (readU8(told.get(VXLAN.proxy)) ?? 0) !== 0,
  };
}

const addressOf = (bytes: Buffer | undefined): string | null =>
  bytes?.length === 4 || bytes?.length === 16 ? ipText(bytes) : null;
