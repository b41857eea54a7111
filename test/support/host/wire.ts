import { type Cleanup, ip, makeNamespace, makeVeth } from './netns.js';

export type Family = 'IPv4' | 'IPv6';

/** A host on a common wire: its end is `eth0`. */
export interface WiredHost {
  readonly namespace: string;
  /** Its address on the wire. */
  readonly local: string;
}

/** With room for a tunnel below guests of 1500, over IPv6 too. */
const MTU = 1600;

/** Namespaces on one wire, each with an address on it. */
export function makeWire(t: Cleanup, family: Family, count: number): readonly WiredHost[] {
  const wire = makeNamespace(t);
  ip(wire, 'link', 'add', 'wire', 'mtu', `${MTU}`, 'type', 'bridge');
  ip(wire, 'link', 'set', 'wire', 'up');
  return Array.from({ length: count }, (_, at) => join(t, wire, family, at + 1));
}

function join(t: Cleanup, wire: string, family: Family, at: number): WiredHost {
  const namespace = makeNamespace(t);
  const local = family === 'IPv4' ? `192.0.2.${at}` : `2001:db8::${at}`;
  makeVeth(namespace, 'eth0', wire, `eth${at}`);
  ip(namespace, 'link', 'set', 'eth0', 'mtu', `${MTU}`);
  ip(wire, 'link', 'set', `eth${at}`, 'mtu', `${MTU}`, 'master', 'wire');
  const address = family === 'IPv4' ? [`${local}/24`] : [`${local}/64`, 'nodad'];
  ip(namespace, 'address', 'add', ...address, 'dev', 'eth0');
  return { namespace, local };
}
