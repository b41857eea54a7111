import { KernelError } from '../model/kernel.js';
import { AF, SOCKET } from './constants.js';
import { errnoName, libc } from './libc.js';
import { decodeMessages, type Message, TornRead } from './message.js';

/** Larger than any datagram of rtnetlink: the kernel fills at most 32 KiB per read. */
const RECEIVE_BYTES = 64 * 1024;
const SEND_BYTES_MAX = 128 * 1024;

/**
 * A netlink socket to rtnetlink of the network namespace that the calling thread is in. Nothing of it ever
 * waits.
 */
export interface NetlinkSocket {
  readonly fd: number;
  /** Sends one datagram. Throws KernelError. */
  send(bytes: Buffer): void;
  /**
   * The messages of the next datagram, null when none is waiting. They share the receive buffer: decode them
   * before the next call. Throws TornRead when the kernel dropped or cut something, or it makes no sense.
   */
  receive(): Message[] | null;
  close(): void;
}

/**
 * Opens a socket. `groups`: the notifications to receive (bits of GROUPS), 0 for none. `receiveBytes`: how
 * much the kernel keeps for a reader that is late. Throws KernelError.
 */
export function openSocket(groups: number, receiveBytes: number): NetlinkSocket {
  const fd = libc.socket(AF.netlink, SOCKET.raw | SOCKET.cloexec, SOCKET.netlinkRoute);
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
  const buffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
  return {
    fd,
    send: (bytes) => send(fd, bytes),
    receive: () => receive(fd, buffer),
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

function receive(fd: number, buffer: Buffer): Message[] | null {
  // With MSG_TRUNC the kernel tells the true length of a datagram that did not fit.
  const length = libc.recv(fd, buffer, buffer.length, SOCKET.msgDontwait | SOCKET.msgTrunc);
  if (length === -1) {
    const errno = errnoName();
    if (errno === 'EAGAIN') return null;
    if (errno === 'ENOBUFS') throw new TornRead('the kernel had to drop notifications (ENOBUFS)');
    throw failed('read from the kernel');
  }
  if (length > buffer.length) throw new TornRead('an answer of the kernel was cut (MSG_TRUNC)');
  return decodeMessages(buffer.subarray(0, length));
}

function failed(what: string): KernelError {
  const errno = errnoName();
  const kind = errno === 'EPERM' || errno === 'EACCES' ? 'permission' : 'failed';
  const unsupported = errno === 'EAFNOSUPPORT' || errno === 'EPROTONOSUPPORT';
  return new KernelError(unsupported ? 'unsupported' : kind, `Could not ${what}: ${errno}.`);
}
