import { NLM_F, NLMSGERR_ATTR_MSG } from './constants.js';

/**
 * The framing of netlink: messages in a datagram, attributes in a message. Byte order is the host's, which is
 * little-endian wherever koffi and Node run (`openKernel` checks). Every length is checked against what is
 * there; what does not fit is a MalformedMessage, never a guess.
 */

const MESSAGE_HEADER = 16;
const ATTRIBUTE_HEADER = 4;
/** The two upper bits of an attribute's type are flags (nested, network byte order). */
const ATTRIBUTE_TYPE_MASK = 0x3fff;
const NESTED = 0x8000;

/** What was read cannot be relied on: the picture made from it has to be made again. */
export class TornRead extends Error {
  override readonly name: string = 'TornRead';
}

/** A message is cut or corrupt: nothing of the datagram may be believed. */
export class MalformedMessage extends TornRead {
  override readonly name = 'MalformedMessage';
}

/** What is sent: everything but the sequence number, which the socket gives. */
export interface Request {
  readonly type: number;
  /** NLM_F_*, without REQUEST and ACK. */
  readonly flags: number;
  /** The fixed header of the type and its attributes. */
  readonly body: Buffer;
  /** Begins or ends a batch: the kernel answers it only to refuse all of it. */
  readonly isFrame?: true;
}

/** What is received. `body` shares memory with the receive buffer: decode it before receiving again. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Buffer;
}

/** The kernel's answer to a request, from an NLMSG_ERROR message. `errno` 0 is success. */
export interface Acknowledgement {
  readonly errno: number;
  /** The kernel's own words (NETLINK_EXT_ACK), empty when it gave none. */
  readonly text: string;
}

const align = (length: number): number => (length + 3) & ~3;

/** One request as bytes. */
export function encodeRequest(request: Request, flags: number, sequence: number): Buffer {
  const bytes = Buffer.alloc(align(MESSAGE_HEADER + request.body.length));
  bytes.writeUInt32LE(MESSAGE_HEADER + request.body.length, 0);
  bytes.writeUInt16LE(request.type, 4);
  bytes.writeUInt16LE(request.flags | flags | NLM_F.request, 6);
  bytes.writeUInt32LE(sequence, 8);
  request.body.copy(bytes, MESSAGE_HEADER);
  return bytes;
}

/** The messages of one datagram, in order. Throws MalformedMessage. */
export function decodeMessages(datagram: Buffer): Message[] {
  const messages: Message[] = [];
  let at = 0;
  while (at < datagram.length) {
    if (datagram.length - at < MESSAGE_HEADER) throw new MalformedMessage('a message header is cut');
    const length = datagram.readUInt32LE(at);
    if (length < MESSAGE_HEADER || length > datagram.length - at) {
      throw new MalformedMessage(`a message says it has ${length} bytes, ${datagram.length - at} are there`);
    }
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      body: datagram.subarray(at + MESSAGE_HEADER, at + length),
    });
    at += align(length);
  }
  return messages;
}

/** The attributes behind the fixed part of a message, or inside a nested one; of two of a type the last. */
export type Attributes = ReadonlyMap<number, Buffer>;

/**
 * Takes apart the attributes in `bytes` from `from` to its end; `wanted` leaves the others out, which is half
 * the cost for links with their forty. Throws MalformedMessage.
 */
export function decodeAttributes(bytes: Buffer, from = 0, wanted?: ReadonlySet<number>): Attributes {
  const attributes = new Map<number, Buffer>();
  eachAttribute(bytes, from, (type, start, end) => {
    if (wanted === undefined || wanted.has(type)) attributes.set(type, bytes.subarray(start, end));
  });
  return attributes;
}

/** Every value of one type, in order: of attributes that a list repeats. Throws MalformedMessage. */
export function valuesOf(bytes: Buffer, wanted: number): Buffer[] {
  const values: Buffer[] = [];
  eachAttribute(bytes, 0, (type, start, end) => {
    if (type === wanted) values.push(bytes.subarray(start, end));
  });
  return values;
}

/** Visits each attribute with where its value begins and ends. */
function eachAttribute(
  bytes: Buffer,
  from: number,
  visit: (type: number, start: number, end: number) => void,
): void {
  if (from > bytes.length) throw new MalformedMessage('the fixed part of a message is cut');
  let at = from;
  while (at < bytes.length) {
    if (bytes.length - at < ATTRIBUTE_HEADER) throw new MalformedMessage('an attribute header is cut');
    const length = bytes.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER || length > bytes.length - at) {
      throw new MalformedMessage(`an attribute says it has ${length} bytes, ${bytes.length - at} are there`);
    }
    const type = bytes.readUInt16LE(at + 2) & ATTRIBUTE_TYPE_MASK;
    visit(type, at + ATTRIBUTE_HEADER, at + length);
    at += align(length);
  }
}

/** The value of an attribute that must have at least `size` bytes; undefined when the attribute is absent. */
function sized(value: Buffer | undefined, size: number): Buffer | undefined {
  if (value !== undefined && value.length < size) {
    throw new MalformedMessage(`a value has ${value.length} bytes instead of ${size}`);
  }
  return value;
}

/** Numbers in an attribute's value, undefined when the attribute is absent. Each throws MalformedMessage. */
export const readU8 = (value: Buffer | undefined): number | undefined => sized(value, 1)?.readUInt8();
export const readU16 = (value: Buffer | undefined): number | undefined => sized(value, 2)?.readUInt16LE();
export const readU32 = (value: Buffer | undefined): number | undefined => sized(value, 4)?.readUInt32LE();
/** VLAN protocols are in network byte order. */
export const readU16BigEndian = (value: Buffer | undefined): number | undefined =>
  sized(value, 2)?.readUInt16BE();

/** Text up to the first NUL, or to the end of the value; undefined when the attribute is absent. */
export function readText(value: Buffer | undefined): string | undefined {
  if (value === undefined) return undefined;
  const nul = value.indexOf(0);
  return value.toString('utf8', 0, nul === -1 ? value.length : nul);
}

/** One attribute with its header and padding. */
export function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(align(ATTRIBUTE_HEADER + value.length));
  bytes.writeUInt16LE(ATTRIBUTE_HEADER + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, ATTRIBUTE_HEADER);
  return bytes;
}

export const u8Attribute = (type: number, value: number): Buffer => attribute(type, Buffer.from([value]));

export function u16Attribute(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return attribute(type, bytes);
}

export function u16BigEndianAttribute(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return attribute(type, bytes);
}

export function u32Attribute(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return attribute(type, bytes);
}

/** Text with its final NUL, as the kernel expects names and kinds. */
export const textAttribute = (type: number, text: string): Buffer =>
  attribute(type, Buffer.from(`${text}\0`));

export const nestedAttribute = (type: number, ...inner: Buffer[]): Buffer =>
  attribute(type | NESTED, Buffer.concat(inner));

/** Reads an NLMSG_ERROR message. Throws MalformedMessage. */
export function decodeAcknowledgement({ body, flags }: Message): Acknowledgement {
  if (body.length < 4) throw new MalformedMessage('an acknowledgement is cut');
  const errno = -body.readInt32LE();
  if ((flags & NLM_F.ackAttributes) === 0) return { errno, text: '' };
  if (body.length < 4 + MESSAGE_HEADER) throw new MalformedMessage('an acknowledgement is cut');
  // Behind the errno stands the request's header, and behind that the rest of the request unless it was left
  // out.
  const echoed = flags & NLM_F.capped ? MESSAGE_HEADER : align(body.readUInt32LE(4));
  return { errno, text: readText(decodeAttributes(body, 4 + echoed).get(NLMSGERR_ATTR_MSG)) ?? '' };
}

/** The error number in an NLMSG_DONE message: a dump may fail at its very end. 0 is success. */
export const decodeDone = ({ body }: Message): number => (body.length < 4 ? 0 : -body.readInt32LE());
