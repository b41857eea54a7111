import koffi from 'koffi';
import { SOCKET } from './constants.js';
import { libc } from './libc.js';

/** What one system call takes in: a tap that is made and wired is told of in some ten datagrams. */
const DATAGRAMS = 16;
/** Larger than any datagram of rtnetlink: the kernel fills at most 32 KiB per read. */
const DATAGRAM_BYTES = 64 * 1024;

/** `struct mmsghdr` of 64-bit Linux, and where in it are the pointer to `iovec`, the number of those, and `msg_len`. */
const HEADER = { bytes: 64, iovec: 16, iovecCount: 24, length: 56 } as const;
/** `struct iovec`: an address and a length. */
const IOVEC_BYTES = 16;

/** A datagram that has come in; `isCut`: it did not fit, and the kernel has thrown the rest away. */
export interface Datagram {
  /** Shares memory with the inbox: it is overwritten by the next `receive`. */
  readonly bytes: Buffer;
  readonly isCut: boolean;
}

/** Takes in what waits at a socket, many datagrams at once, without ever waiting itself. */
export interface Inbox {
  /** null: the call failed, `errnoName()` tells why (EAGAIN: nothing waits). */
  receive(): Datagram[] | null;
}

/** Headers, then what they point to, then the datagrams: one piece of memory, which lives as long as the inbox. */
const IOVECS_AT = DATAGRAMS * HEADER.bytes;
const DATAGRAMS_AT = IOVECS_AT + DATAGRAMS * IOVEC_BYTES;

/** An inbox for the socket `fd`. Only what datagrams have filled is ever resident. */
export function openInbox(fd: number): Inbox {
  const memory = Buffer.allocUnsafeSlow(DATAGRAMS_AT + DATAGRAMS * DATAGRAM_BYTES).fill(0, 0, DATAGRAMS_AT);
  const address = koffi.address(memory);
  for (let at = 0; at < DATAGRAMS; at++) {
    const header = at * HEADER.bytes;
    const iovec = IOVECS_AT + at * IOVEC_BYTES;
    memory.writeBigUInt64LE(address + BigInt(iovec), header + HEADER.iovec);
    memory.writeBigUInt64LE(1n, header + HEADER.iovecCount);
    memory.writeBigUInt64LE(address + BigInt(DATAGRAMS_AT + at * DATAGRAM_BYTES), iovec);
    memory.writeBigUInt64LE(BigInt(DATAGRAM_BYTES), iovec + 8);
  }
  const datagram = (at: number): Datagram => {
    // With MSG_TRUNC the kernel tells the true length of a datagram that did not fit.
    const length = memory.readUInt32LE(at * HEADER.bytes + HEADER.length);
    const from = DATAGRAMS_AT + at * DATAGRAM_BYTES;
    return {
      bytes: memory.subarray(from, from + Math.min(length, DATAGRAM_BYTES)),
      isCut: length > DATAGRAM_BYTES,
    };
  };
  return {
    receive: () => {
      const count = libc.recvmmsg(fd, memory, DATAGRAMS, SOCKET.msgDontwait | SOCKET.msgTrunc, null);
      return count < 0 ? null : Array.from({ length: count }, (_, at) => datagram(at));
    },
  };
}
