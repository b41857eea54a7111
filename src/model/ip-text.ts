/**
 * The text form of an IPv4 or IPv6 address given as bytes (4 or 16), as `ip` prints it: RFC 5952, the longest
 * run of zero groups shortened.
 */
export function ipText(bytes: Buffer): string {
  return bytes.length === 4 ? bytes.join('.') : ipv6Text(bytes);
}

function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, position) => bytes.readUInt16BE(2 * position));
  const run = longestZeroRun(groups);
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (run.length < 2) return text(groups);
  return `${text(groups.slice(0, run.start))}::${text(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, position) => {
    if (group !== 0) start = position + 1;
    else if (position - start + 1 > best.length) best = { start, length: position - start + 1 };
  });
  return best;
}

/** Of an address in the text form of `ipText`. */
export const isIpv6 = (address: string): boolean => address.includes(':');

/** Of an address in the text form of `ipText`. */
export const isMulticast = (address: string): boolean =>
  isIpv6(address) ? /^ff/.test(address) : /^(22[4-9]|23\d)\./.test(address);

/** The bytes of an address in the text form of `ipText`. */
export function ipBytes(text: string): Buffer {
  if (!isIpv6(text)) return Buffer.from(text.split('.').map(Number));
  const [before = [], after = []] = text.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = text.includes('::') ? Array<string>(8 - before.length - after.length).fill('0') : [];
  const bytes = Buffer.alloc(16);
  [...before, ...zeros, ...after].forEach((group, at) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * at);
  });
  return bytes;
}
