import { isIP } from 'node:net';
import { ipBytes, ipText, isIpv6, isMulticast } from '../model/ip-text.js';
import { type Format, invalid, valid } from './formats.js';

/** As `ip` prints it; null: it is none, or one that only an interface makes whole. */
const plainAddress = (text: string): string | null =>
  // IPv4 within IPv6 is the address of no host.
  isIP(text) === 0 || text.includes('%') || (isIpv6(text) && text.includes('.'))
    ? null
    : ipText(ipBytes(text));

/** An IPv4 or IPv6 address; an empty text is none, as in the legacy files. */
export const ipAddress: Format<string | null> = {
  placeholder: 'ADDRESS',
  expects: 'Write an IPv4 or IPv6 address of this host',
  parse(text) {
    if (text.trim() === '') return valid(null);
    const address = plainAddress(text.trim());
    return address === null ? invalid('is not an IP address') : valid(address);
  },
};

export interface MulticastNetwork {
  readonly group: string;
  readonly prefixLength: number;
}

/** One group, or as many as a prefix leaves; an empty text is none. */
export const multicastNetwork: Format<MulticastNetwork | null> = {
  placeholder: 'GROUP',
  expects: 'Write a multicast address, or a network of them as 239.1.0.0/16',
  parse(text) {
    if (text.trim() === '') return valid(null);
    const [, address = '', digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text.trim()) ?? [];
    const group = plainAddress(address);
    if (group === null || !isMulticast(group)) return invalid('is not a multicast address');
    const whole = isIpv6(group) ? 128 : 32;
    const prefixLength = digits === undefined ? whole : Number(digits);
    // The shortest that holds nothing but multicast.
    const shortest = isIpv6(group) ? 8 : 4;
    return prefixLength >= shortest && prefixLength <= whole
      ? valid({ group, prefixLength })
      : invalid('is not a network of multicast addresses alone');
  },
};

export interface MulticastRange {
  readonly group: string;
  readonly min: number;
  readonly max: number;
}

const VNI_MAX = 2 ** 24 - 1;

/** A list of `group:first:last`, separated by commas or line ends; empty items are skipped. The first that holds a VNI counts. */
export const multicastRanges: Format<readonly MulticastRange[]> = {
  placeholder: 'LIST',
  expects: 'Write a list of group:first:last, for example 239.1.1.1:1:1000,239.1.1.2:1001:2000',
  parse(text) {
    const found: MulticastRange[] = [];
    for (const item of text.split(/[,\n]/).map((part) => part.trim())) {
      if (item === '') continue;
      const [, address = '', first, last] = /^(.+):(\d{1,8}):(\d{1,8})$/.exec(item) ?? [];
      const group = plainAddress(address.replace(/^\[(.*)\]$/, '$1'));
      if (group === null || !isMulticast(group))
        return invalid('has an item that is not group:first:last with a multicast address');
      const [min, max] = [Number(first), Number(last)];
      if (min > max || max > VNI_MAX)
        return invalid(`has an item whose VNIs are no range between 0 and ${VNI_MAX}`);
      found.push({ group, min, max });
    }
    return valid(found);
  },
};
