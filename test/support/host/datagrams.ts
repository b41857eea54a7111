import { rmSync } from 'node:fs';
import { libc, whenReadable } from '../../../src/kernel/netlink/libc.js';
import type { Cleanup } from './netns.js';
import { receive } from './receive.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

/**
 * A Unix datagram socket, as systemd's for notifications, in the network namespace of this thread; closed when the test
 * ends. `@…` is in the abstract namespace. Gives the datagrams so far.
 */
export function receiveDatagrams(t: Cleanup, path: string): readonly string[] {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`);
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), name]);
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM, 0);
  if (fd === -1 || libc.bind(fd, address, address.length) === -1) throw new Error(`cannot bind ${path}`);
  const datagrams: string[] = [];
  const buffer = Buffer.alloc(65_536);
  const readable = whenReadable(fd, () => {
    for (;;) {
      const length = receive(fd, buffer, buffer.length, MSG_DONTWAIT);
      if (length === -1) break;
      datagrams.push(buffer.toString('utf8', 0, length));
    }
    readable.arm();
  });
  readable.arm();
  t.after(() => {
    readable.close();
    libc.close(fd);
    if (!path.startsWith('@')) rmSync(path, { force: true });
  });
  return datagrams;
}
