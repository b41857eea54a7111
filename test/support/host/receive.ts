import koffi from 'koffi';

/** `recv` of the C library, for sockets that Node does not know: the length, -1 when it failed. */
export const receive: (fd: number, bytes: Buffer, length: number, flags: number) => number = koffi
  .load(null)
  .func('long recv(int fd, void *bytes, ulong length, int flags)');
