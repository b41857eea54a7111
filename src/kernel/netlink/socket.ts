import koffi from 'koffi';
import { KernelError } from '../../model/kernel.js';
import { AF, SOCKET } from './constants.js';
import { type Datagram, type Inbox, openInbox } from './inbox.js';
import { errnoName, libc } from './libc.js';
import { decodeMessages, type Message, TornRead } from './message.js';
import { unreadable } from './refused.js';

const SEND_BYTES_MAX = 128 * 1024;
/** Several receive buffers full: beyond it, links change faster than they can be read. */
export const RECEIVES_MAX = 10_000;

/**
 * A netlink socket to rtnetlink of the network namespace that the calling thread is in. Nothing of it ever
 * waits.
 */
export interface NetlinkSocket {
  readonly fd: number;
  /** Sends one datagram. Throws KernelError. */
  send(bytes: Buffer): void;
  /**
   * The messages of the next datagrams, null when none is waiting. They share the receive buffer: decode them
   * before the next call. Throws TornRead when the kernel dropped or cut something, or it makes no sense.
   */
  receive(): Message[] | null;
  /** Receives everything that waits; `take` is given the messages of a few datagrams at a time. Throws as `receive`. */
  receiveAll(take: (messages: readonly Message[]) => void): void;
  close(): void;
}

/**
 * Opens a socket. `groups`: the notifications to receive (bits of GROUPS), 0 for none. `receiveBytes`: how
 * much the kernel keeps for a reader that is late. `filter`: which notifications the kernel is to leave out, if any. Throws
 * KernelError.
 */
export const openSocket = (
  groups: number,
  receiveBytes: number,
  filter: readonly FilterStep[] = [],
): NetlinkSocket => open(SOCKET.netlinkRoute, groups, receiveBytes, filter);

/** One instruction of classic BPF: `struct sock_filter`. */
export type FilterStep = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

const NETFILTER_RECEIVE_BYTES = 256 * 1024;

/** Opens a socket to nftables, without notifications. Throws KernelError. */
export const openNetfilterSocket = (): NetlinkSocket =>
  open(SOCKET.netlinkNetfilter, 0, NETFILTER_RECEIVE_BYTES, []);

function open(
  protocol: number,
  groups: number,
  receiveBytes: number,
  filter: readonly FilterStep[],
): NetlinkSocket {
  const fd = libc.socket(AF.netlink, SOCKET.raw | SOCKET.cloexec, protocol);
  if (fd === -1) throw failed('open a netlink socket');
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF.netlink, 0);
  address.writeUInt32LE(groups, 8);
  const isFiltered = filter.length === 0 || attachFilter(fd, filter) !== -1;
  if (!isFiltered || libc.bind(fd, address, address.length) === -1) {
    const error = failed(isFiltered ? 'bind a netlink socket' : 'filter a netlink socket');
    libc.close(fd);
    throw error;
  }
  // Each of these only helps, and old kernels or users without rights lack some: what they do not do is
  // checked again.
  if (setOption(fd, SOCKET.solSocket, SOCKET.rcvbufForce, receiveBytes) === -1) {
    setOption(fd, SOCKET.solSocket, SOCKET.rcvbuf, receiveBytes);
  }
  for (const option of [SOCKET.netlinkExtAck, SOCKET.netlinkCapAck, SOCKET.netlinkGetStrictChk]) {
    setOption(fd, SOCKET.solNetlink, option, 1);
  }
  const inbox = openInbox(fd);
  return {
    fd,
    send: (bytes) => send(fd, bytes),
    receive: () => messagesIn(receive(inbox)),
    receiveAll: (take) => receiveAll(inbox, take),
    close: () => {
      libc.close(fd);
    },
  };
}

/** The kernel copies the program: its memory is not needed any more afterwards. */
function attachFilter(fd: number, steps: readonly FilterStep[]): number {
  const program = Buffer.allocUnsafeSlow(8 * steps.length);
  steps.forEach(([code, ifTrue, ifFalse, value], at) => {
    program.writeUInt16LE(code, 8 * at);
    program.writeUInt8(ifTrue, 8 * at + 2);
    program.writeUInt8(ifFalse, 8 * at + 3);
    program.writeUInt32LE(value, 8 * at + 4);
  });
  const whole = Buffer.alloc(16);
  whole.writeUInt16LE(steps.length, 0);
  whole.writeBigUInt64LE(koffi.address(program), 8);
  return libc.setsockopt(fd, SOCKET.solSocket, SOCKET.attachFilter, whole, whole.length);
}

function setOption(fd: number, level: number, option: number, value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return libc.setsockopt(fd, level, option, bytes, bytes.length);
}

function send(fd: number, bytes: Buffer): void {
  if (bytes.length > SEND_BYTES_MAX) {
    throw new KernelError(
      'failed',
      `A request of ${bytes.length} bytes is more than fits in one netlink message.`,
    );
  }
  const sent = libc.send(fd, bytes, bytes.length, 0);
  if (sent !== bytes.length) throw failed('send to the kernel');
}

/** The next datagrams; none when nothing waits. */
function receive(inbox: Inbox): readonly Datagram[] {
  const datagrams = inbox.receive();
  if (datagrams !== null) return datagrams;
  const errno = errnoName();
  if (errno === 'EAGAIN') return [];
  if (errno === 'ENOBUFS') throw new TornRead('the kernel had to drop notifications (ENOBUFS)');
  throw failed('read from the kernel');
}

function receiveAll(inbox: Inbox, take: (messages: readonly Message[]) => void): void {
  // Until nothing waits, and not until less than a call can take in: an overrun behind some datagrams is told by the next
  // call only (recvmmsg keeps the error for it).
  for (let call = 0; call < RECEIVES_MAX; call++) {
    const messages = messagesIn(receive(inbox));
    if (messages === null) return;
    take(messages);
  }
  throw new TornRead('the notifications of the kernel do not end');
}

function messagesIn(datagrams: readonly Datagram[]): Message[] | null {
  if (datagrams.length === 0) return null;
  if (datagrams.some(({ isCut }) => isCut)) throw new TornRead('an answer of the kernel was cut (MSG_TRUNC)');
  return datagrams.flatMap(({ bytes }) => decodeMessages(bytes));
}

function failed(what: string): KernelError {
  const errno = errnoName();
  return unreadable(errno, `Could not ${what}: ${errno}.`);
}

/**
 * Throws away what waits. After an overrun these are notifications from before it, those that followed are
 * lost, and the kernel drops more until all of them are fetched: taken in after a full read they would turn
 * it back.
 */
export function discard(events: NetlinkSocket): void {
  for (let call = 0; call < RECEIVES_MAX; call++) {
    try {
      if (events.receive() === null) return;
    } catch (error) {
      if (!(error instanceof TornRead)) throw error;
    }
  }
  throw new TornRead('the notifications of the kernel do not end');
}
