import { libc } from './libc.js';

/** From the kernel's uapi headers: part of its ABI. */
const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
/** Size of `sun_path` in `sockaddr_un`. */
const PATH_BYTES_MAX = 108;

/** Sends one datagram; false when nobody took it. */
export type SendDatagram = (text: string) => boolean;

/**
 * Sends datagrams to a Unix socket, which Node cannot. A path that begins with `@` is in the abstract namespace. The
 * receiver may come and go: it is looked for again with each datagram. Never waits. null: the path cannot be one.
 */
export function datagramsTo(path: string): SendDatagram | null {
  const address = addressOf(path);
  if (address === null) return null;
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd === -1) return null;
  return (text) => {
    const bytes = Buffer.from(text);
    return (
      libc.sendto(fd, bytes, bytes.length, MSG_DONTWAIT_NOSIGNAL, address, address.length) === bytes.length
    );
  };
}

/** `sockaddr_un`: a name in the abstract namespace begins with NUL and ends with the length, a path ends with NUL. */
function addressOf(path: string): Buffer | null {
  const isAbstract = path.startsWith('@');
  if (!isAbstract && !path.startsWith('/')) return null;
  const name = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > PATH_BYTES_MAX) return null;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, name]);
}
