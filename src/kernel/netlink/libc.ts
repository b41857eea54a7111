import koffi from 'koffi';

/**
 * The C library's socket calls. Node has no netlink of its own, and no child process is ever started. Each
 * returns what C returns; after a -1, `errnoName()` tells why. koffi's type names are C's (`long` is 64 bits
 * wide wherever koffi and Node run), there is no `ssize_t`.
 */
interface SocketCalls {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer, length: number): number;
  setsockopt(fd: number, level: number, option: number, value: Buffer, length: number): number;
  send(fd: number, bytes: Buffer, length: number, flags: number): number;
  sendto(
    fd: number,
    bytes: Buffer,
    length: number,
    flags: number,
    address: Buffer,
    addressLength: number,
  ): number;
  recvmmsg(fd: number, headers: Buffer, count: number, flags: number, limit: null): number;
  close(fd: number): number;
  /** Ends the process, whatever its threads do. */
  _exit(code: number): void;
}

const library = koffi.load(null);

export const libc: SocketCalls = {
  socket: library.func('int socket(int domain, int type, int protocol)'),
  bind: library.func('int bind(int fd, const void *address, uint length)'),
  setsockopt: library.func('int setsockopt(int fd, int level, int option, const void *value, uint length)'),
  send: library.func('long send(int fd, const void *bytes, ulong length, int flags)'),
  sendto: library.func(
    'long sendto(int fd, const void *bytes, ulong length, int flags, const void *address, uint addressLength)',
  ),
  recvmmsg: library.func('int recvmmsg(int fd, void *headers, uint count, int flags, void *limit)'),
  close: library.func('int close(int fd)'),
  _exit: library.func('void _exit(int code)'),
};

/** One name per number; of two names for one number the one that the kernel's sources use. */
const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
for (const name of ['EAGAIN', 'EOPNOTSUPP', 'EDEADLK']) {
  const number = koffi.os.errno[name];
  if (number !== undefined) names.set(number, name);
}

/** The symbolic name of an errno value, for example 16 → `EBUSY`. */
export const errnoNameOf = (errno: number): string => names.get(errno) ?? `errno ${errno}`;

/** Why the last call of `libc` returned -1. */
export const errnoName = (): string => errnoNameOf(koffi.errno());

/**
 * Calls `ready` from the event loop when `fd` has something to read, or an error to report; once only, until
 * `arm` is called again. `ready` runs in a turn of its own: koffi calls back outside Node's bookkeeping,
 * where neither promises nor exceptions would be looked after.
 */
export function whenReadable(fd: number, ready: () => void): { arm(): void; close(): void } {
  let open = true;
  const announce = () => {
    handle.stop();
    setImmediate(() => {
      if (open) ready();
    });
  };
  const handle = koffi.node.poll(fd, { readable: true }, announce);
  return {
    arm: () => {
      if (open) handle.start({ readable: true }, announce);
    },
    close: () => {
      if (open) handle.close();
      open = false;
    },
  };
}
