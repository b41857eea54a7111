import { libc } from '../../../src/kernel/netlink/libc.js';
import { type Cleanup, enterNamespace, ipLink } from './netns.js';
import { receive } from './receive.js';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0x800;
const ETH_P_ALL = 0x0003;
const FRAME_MAX = 2048;

/** Raw frames on one link: what is sent goes out on it, what is received came in on it (and what others send). */
export interface Wire {
  send(frame: Buffer): void;
  /** Every frame that has arrived since the last call. */
  received(): Buffer[];
}

/** Opens a packet socket on a link of a namespace; it is closed when the test ends. */
export function openWire(t: Cleanup, namespace: string, link: string): Wire {
  const index = ipLink(namespace, link)?.ifindex;
  if (index === undefined) throw new Error(`${namespace} has no ${link}`);
  const leave: (() => void | Promise<void>)[] = [];
  enterNamespace({ after: (end) => leave.push(end) }, namespace);
  try {
    const protocol = ((ETH_P_ALL & 0xff) << 8) | (ETH_P_ALL >> 8);
    const fd = libc.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, protocol);
    if (fd === -1) throw new Error('no packet socket');
    t.after(() => void libc.close(fd));
    // sockaddr_ll: family, protocol, interface index; the rest is for what is received.
    const address = Buffer.alloc(20);
    address.writeUInt16LE(AF_PACKET, 0);
    address.writeUInt16BE(ETH_P_ALL, 2);
    address.writeInt32LE(index, 4);
    if (libc.bind(fd, address, address.length) === -1) throw new Error(`cannot bind to ${link}`);
    return { send: (frame) => sendOn(fd, frame), received: () => receiveFrom(fd) };
  } finally {
    for (const step of leave) void step();
  }
}

function sendOn(fd: number, frame: Buffer): void {
  if (libc.send(fd, frame, frame.length, 0) !== frame.length) throw new Error('the frame was not sent');
}

function receiveFrom(fd: number): Buffer[] {
  const frames: Buffer[] = [];
  for (;;) {
    const buffer = Buffer.alloc(FRAME_MAX);
    const length = receive(fd, buffer, buffer.length, 0);
    if (length <= 0) return frames;
    frames.push(buffer.subarray(0, length));
  }
}

export const BROADCAST = 'ffffffffffff';
const GUEST_MAC = Buffer.from('fa163e0badad', 'hex');
/** An experimental EtherType (IEEE 802): no stack does anything with it. */
const EXPERIMENTAL = '88b5';

/** A frame that carries a text; whom it is to, and the tags before the type of its payload, are hexadecimal digits. */
export const taggedFrame = (text: string, to: string, tags: string): Buffer =>
  Buffer.concat([
    Buffer.from(to, 'hex'),
    GUEST_MAC,
    Buffer.from(tags + EXPERIMENTAL, 'hex'),
    Buffer.from(text.padEnd(60, '.')),
  ]);

/** A broadcast frame that carries a text; with an 802.1Q tag when a VLAN is given. */
export const markedFrame = (text: string, vlanId: number | null = null): Buffer =>
  taggedFrame(text, BROADCAST, vlanId === null ? '' : `8100${vlanId.toString(16).padStart(4, '0')}`);

/** A router advertisement from fe80::bad: a default route for half an hour, and addresses of fd00:bad::/64. */
export function routerAdvertisement(options: Buffer = Buffer.alloc(0)): Buffer {
  const source = address('fe80000000000000000000000000bad0');
  const target = address('ff020000000000000000000000000001');
  const body = Buffer.concat([
    // Type 134, code, checksum, hop limit 64, flags, router lifetime 1800 s, reachable and retransmission times.
    Buffer.from('86000000' + '4000' + '0708' + '0000000000000000', 'hex'),
    // Source link-layer address.
    Buffer.from('0101', 'hex'),
    GUEST_MAC,
    // Prefix information: /64, on-link and autonomous, lifetimes of a day.
    Buffer.from('030440c0' + '00015180' + '00015180' + '00000000', 'hex'),
    address('fd000bad000000000000000000000000'),
  ]);
  body.writeUInt16BE(checksum(source, target, body), 2);
  const header = Buffer.from(`600000000000${options.length === 0 ? '3a' : '3c'}ff`, 'hex');
  header.writeUInt16BE(options.length + body.length, 4);
  const ethernet = Buffer.concat([Buffer.from('333300000001', 'hex'), GUEST_MAC, Buffer.from('86dd', 'hex')]);
  return Buffer.concat([ethernet, header, source, target, options, body]);
}

/** An extension header of IPv6 with nothing in it (destination options), before an ICMPv6 message. */
export const NO_OPTIONS = Buffer.from('3a00010400000000', 'hex');

const address = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** The Internet checksum over the pseudo header and the message. */
function checksum(source: Buffer, target: Buffer, body: Buffer): number {
  const length = Buffer.alloc(8);
  length.writeUInt32BE(body.length, 0);
  length.writeUInt32BE(58, 4);
  const all = Buffer.concat([source, target, length, body]);
  let sum = 0;
  for (let at = 0; at < all.length; at += 2) sum += all.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
