import { FLOOD_MAC, type ForwardingEntry } from '../../model/forwarding.js';
import { type IfIndex, ifIndex } from '../../model/ids.js';
import { ipBytes, ipText } from '../../model/ip-text.js';
import { AF, HEADER, NDA, NLM_F, NTF_SELF, NUD, RTM } from '../netlink/constants.js';
import {
  attribute,
  decodeAttributes,
  MalformedMessage,
  type Request,
  readU16BigEndian,
  readU32,
  u16BigEndianAttribute,
  u32Attribute,
} from '../netlink/message.js';

/** Where `ndmsg` has its parts. */
const AT = { index: 4, state: 8, flags: 10 } as const;

/**
 * The tunnel and the entry in the body of RTM_NEWNEIGH or RTM_DELNEIGH; null: it is none of a tunnel's, was learned from
 * frames, or leads to a group of next hops. Throws MalformedMessage.
 */
export function decodeEntry(
  body: Buffer,
): { readonly index: IfIndex; readonly entry: ForwardingEntry } | null {
  if (body.length < HEADER.neighbour) throw new MalformedMessage('a forwarding entry is cut');
  if (body.readUInt8(0) !== AF.bridge || (body.readUInt8(AT.flags) & NTF_SELF) === 0) return null;
  if ((body.readUInt16LE(AT.state) & NUD.permanent) === 0) return null;
  const told = decodeAttributes(body, HEADER.neighbour);
  const endpoint = told.get(NDA.destination);
  if (endpoint?.length !== 4 && endpoint?.length !== 16) return null;
  const via = readU32(told.get(NDA.index)) ?? 0;
  return {
    index: ifIndex(body.readInt32LE(AT.index)),
    entry: {
      mac:
        told
          .get(NDA.linkLayerAddress)
          ?.toString('hex')
          .replace(/(..)(?=.)/g, '$1:') ?? FLOOD_MAC,
      endpoint: ipText(endpoint),
      port: readU16BigEndian(told.get(NDA.port)) ?? null,
      vni: readU32(told.get(NDA.vni)) ?? null,
      via: via === 0 ? null : ifIndex(via),
    },
  };
}

/** Asks for the entries of one tunnel, and with them for what its bridge has learned behind it. */
export const dumpEntries = (tunnel: IfIndex): Request => ({
  type: RTM.getNeighbour,
  flags: 0,
  body: header(tunnel, 0, 0),
});

/** Beside whatever else its MAC address leads to. Once more it is no error. */
export const addEntry = (tunnel: IfIndex, entry: ForwardingEntry): Request => ({
  type: RTM.newNeighbour,
  flags: NLM_F.create | NLM_F.append,
  body: Buffer.concat([header(tunnel, NUD.noArp | NUD.permanent, NTF_SELF), ...attributesOf(entry)]),
});

/** This one alone: a request that named no other end would delete all of its MAC address. */
export const deleteEntry = (tunnel: IfIndex, entry: ForwardingEntry): Request => ({
  type: RTM.delNeighbour,
  flags: 0,
  body: Buffer.concat([header(tunnel, 0, NTF_SELF), ...attributesOf(entry)]),
});

function header(tunnel: IfIndex, state: number, flags: number): Buffer {
  const bytes = Buffer.alloc(HEADER.neighbour);
  bytes.writeUInt8(AF.bridge, 0);
  bytes.writeInt32LE(tunnel, AT.index);
  bytes.writeUInt16LE(state, AT.state);
  bytes.writeUInt8(flags, AT.flags);
  return bytes;
}

const attributesOf = ({ mac, endpoint, port, vni, via }: ForwardingEntry): Buffer[] => [
  attribute(NDA.linkLayerAddress, Buffer.from(mac.replaceAll(':', ''), 'hex')),
  attribute(NDA.destination, ipBytes(endpoint)),
  ...(port === null ? [] : [u16BigEndianAttribute(NDA.port, port)]),
  ...(vni === null ? [] : [u32Attribute(NDA.vni, vni)]),
  ...(via === null ? [] : [u32Attribute(NDA.index, via)]),
];
