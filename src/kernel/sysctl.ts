import { existsSync, writeFileSync } from 'node:fs';
import type { LinkName } from '../model/ids.js';
import type { Ipv6Settings } from '../model/link.js';
import { LINK_NAME_LENGTH_MAX } from '../model/names.js';
import { errorCodeOf } from '../model/thrown.js';

const IPV6 = '/proc/sys/net/ipv6';
const FILES = {
  acceptRa: 'accept_ra',
  autoconf: 'autoconf',
  forwarding: 'forwarding',
  disabled: 'disable_ipv6',
} as const;

/**
 * Writes IPv6 settings of a link: netlink cannot. The last one enables or disables
 * IPv6, so that the others are in force when it comes to life. A host without IPv6 has nothing to set. Throws
 * Error with a code (ENOENT: the link has no IPv6 of its own or is gone; EACCES, EROFS: not permitted).
 */
export function writeIpv6Settings(name: LinkName, wanted: Partial<Ipv6Settings>): void {
  for (const setting of ['acceptRa', 'autoconf', 'forwarding', 'disabled'] as const) {
    const value = wanted[setting];
    if (value === undefined) continue;
    try {
      writeFileSync(`${IPV6}/conf/${folderOf(name)}/${FILES[setting]}`, String(Number(value)), {
        flag: 'r+',
      });
    } catch (error) {
      if (errorCodeOf(error) === 'ENOENT' && !existsSync(IPV6)) return;
      throw error;
    }
  }
}

/**
 * The kernel allows any byte but `/` and white space in a name. `.` and `..` it refuses; a name that was not
 * valid UTF-8 came to us with a replacement character and would name another file. `all` and `default` are
 * links' names to the kernel, but in this folder they mean every link.
 */
function folderOf(name: LinkName): string {
  const usable =
    name !== '' && Buffer.byteLength(name) <= LINK_NAME_LENGTH_MAX && !/[/\0\s\ufffd]/.test(name);
  if (!usable || ['.', '..', 'all', 'default'].includes(name)) {
    throw Object.assign(new Error(`${JSON.stringify(name)} cannot be part of a path`), { code: 'EINVAL' });
  }
  return name;
}
