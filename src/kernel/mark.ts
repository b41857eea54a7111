import { fstatSync, readFileSync } from 'node:fs';
import { KernelError } from '../model/kernel.js';
import { AF, SOCKET } from './netlink/constants.js';
import { errnoName, libc } from './netlink/libc.js';

/** What marks an agent: multicast groups of a netlink protocol in which nobody ever sends anything. */
const MARK = 0x514c4241;
/** Part of the kernel wherever there is IPv4; unlike rtnetlink it lets nobody join a group without CAP_NET_ADMIN. */
const NETLINK_FIB_LOOKUP = 10;

/** A mark in this network namespace, which the kernel takes away when the process ends, however it ends. */
export interface Mark {
  /** The processes, by id, that have the mark besides this one. The id is that of their own process namespace. */
  others(): number[];
  remove(): void;
}

/**
 * Marks this process in its network namespace: for everybody to see, whatever their files, users and processes are, and
 * only for those who may change the namespace's links to have. Throws KernelError.
 */
export function makeMark(): Mark {
  const fd = libc.socket(AF.netlink, SOCKET.raw | SOCKET.cloexec, NETLINK_FIB_LOOKUP);
  if (fd === -1) throw failed();
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF.netlink, 0);
  // The kernel gives the process id for a port id of 0, or some other one where that is taken.
  address.writeUInt32LE(MARK, 8);
  if (libc.bind(fd, address, address.length) === -1) {
    const error = failed();
    libc.close(fd);
    throw error;
  }
  const own = fstatSync(fd).ino;
  return {
    others: () => marks().flatMap(({ pid, inode }) => (inode === own ? [] : [pid])),
    remove: () => {
      libc.close(fd);
    },
  };
}

/** Columns: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode. */
function marks(): { readonly pid: number; readonly inode: number }[] {
  return readFileSync('/proc/net/netlink', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, protocol, , groups = '']) => {
      return Number(protocol) === NETLINK_FIB_LOOKUP && Number.parseInt(groups, 16) === MARK;
    })
    .map((columns) => ({ pid: Number(columns[2]), inode: Number(columns[9]) }));
}

function failed(): KernelError {
  const errno = errnoName();
  return new KernelError(
    errno === 'EPERM' || errno === 'EACCES' ? 'permission' : 'failed',
    `Could not take the one-agent lock of this network namespace (a netlink socket): ${errno}.`,
  );
}
