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
 * much the kernel keeps for a reader that is late. Throws KernelError.
 */
export const openSocket = (groups: number, receiveBytes: number): NetlinkSocket =>
  open(SOCKET.netlinkRoute, groups, receiveBytes);

const NETFILTER_RECEIVE_BYTES = 256 * 1024;

/** Opens a socket to nftables, without notifications. Throws KernelError. */
export const openNetfilterSocket = (): NetlinkSocket =>
  open(SOCKET.netlinkNetfilter, 0, NETFILTER_RECEIVE_BYTES);

function open(protocol: number, groups: number, receiveBytes: number): NetlinkSocket {
  const fd = libc.socket(AF.netlink, SOCKET.raw | SOCKET.cloexec, protocol);
  if (fd === -1) throw failed('open a netlink socket');
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF.netlink, 0);
  address.writeUInt32LE(groups, 8);
  if (libc.bind(fd, address, address.length) === -1) {
    const error = failed('bind a netlink socket');
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
