import { type IfIndex, ifIndex } from '../model/ids.js';
import { ipText } from '../model/ip-text.js';
import { AF, HEADER, NDA, NUD, RTM } from './netlink/constants.js';
import {
  attribute,
  decodeAttributes,
  MalformedMessage,
  type Request,
  u32Attribute,
} from './netlink/message.js';

/** A neighbour that somebody has entered for good: the kernel throws it away with the last address of its link. */
export interface Neighbour {
  readonly family: 'inet' | 'inet6';
  readonly address: string;
  readonly index: IfIndex;
  readonly body: Buffer;
}

/** Decodes the body of RTM_NEWNEIGH; null for those that come and go by themselves. Throws MalformedMessage. */
export function decodeNeighbour(body: Buffer): Neighbour | null {
  if (body.length < HEADER.neighbour) throw new MalformedMessage('a neighbour message is cut');
  const family = body.readUInt8(0);
  if (family !== AF.inet && family !== AF.inet6) return null;
  if ((body.readUInt16LE(8) & NUD.permanent) === 0) return null;
  const address = decodeAttributes(body, HEADER.neighbour).get(NDA.destination);
  if (address?.length !== (family === AF.inet ? 4 : 16)) {
    throw new MalformedMessage('the address of a neighbour has a wrong length');
  }
  return {
    family: family === AF.inet ? 'inet' : 'inet6',
    address: ipText(address),
    index: ifIndex(body.readInt32LE(4)),
    body: Buffer.from(body),
  };
}

/** Asks for the neighbours of a family over one link (old kernels answer with those of all links: filter again). */
export function dumpNeighbours(family: 'inet' | 'inet6', over: IfIndex): Request {
  const header = Buffer.alloc(HEADER.neighbour);
  header.writeUInt8(AF[family], 0);
  return { type: RTM.getNeighbour, flags: 0, body: Buffer.concat([header, u32Attribute(NDA.index, over)]) };
}

export const neighbourName = ({ address }: Neighbour): string => `neighbour ${address}`;

/** The body of a message that adds or deletes the neighbour over the link `to`. */
export function neighbourOver({ body }: Neighbour, to: IfIndex): Buffer {
  const header = Buffer.from(body.subarray(0, HEADER.neighbour));
  header.writeInt32LE(to, 4);
  const kept = [...decodeAttributes(body, HEADER.neighbour)].filter(([type]) => NDA_KEPT.has(type));
  return Buffer.concat([header, ...kept.map(([type, value]) => attribute(type, value))]);
}

/** The others are counters, and what only other kinds of neighbours have. */
const NDA_KEPT: ReadonlySet<number> = new Set([NDA.destination, NDA.linkLayerAddress, NDA.protocol]);
