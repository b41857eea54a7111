import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type Cleanup, ip } from './netns.js';

/** A name that only the dead name server could know. */
export const UNKNOWN_NAME = 'dead.example';
/** A name in the hosts file. */
export const LISTED_NAME = 'db.example';

/**
 * Gives a namespace a name server that never answers, behind the link `device` with the network 10.9.0.0/24, and a hosts
 * file that has `LISTED_NAME`. `ip netns exec` puts these files in place of the machine's own for what it starts.
 */
export function makeDeadNameServer(t: Cleanup, namespace: string, device: string, address: string): void {
  // Nobody has this hardware address: what is sent to it is dropped, and nothing comes back.
  const nobody = ['lladdr', '02:00:00:00:00:01', 'nud', 'permanent'];
  ip(namespace, 'neighbour', 'add', '10.9.0.53', 'dev', device, ...nobody);
  const folder = `/etc/netns/${namespace}`;
  mkdirSync(folder, { recursive: true });
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(`${folder}/resolv.conf`, 'nameserver 10.9.0.53\noptions timeout:30 attempts:2\n');
  writeFileSync(`${folder}/hosts`, `127.0.0.1 localhost\n${address} ${LISTED_NAME}\n`);
  writeFileSync(`${folder}/nsswitch.conf`, 'hosts: files dns\n');
}

/** Gives a namespace a hosts file that has `LISTED_NAME` with these addresses, and nothing else to ask. */
export function nameAddresses(t: Cleanup, namespace: string, addresses: readonly string[]): void {
  const folder = `/etc/netns/${namespace}`;
  mkdirSync(folder, { recursive: true });
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const lines = addresses.map((address) => `${address} ${LISTED_NAME}\n`);
  writeFileSync(`${folder}/hosts`, `127.0.0.1 localhost\n${lines.join('')}`);
  writeFileSync(`${folder}/nsswitch.conf`, 'hosts: files\n');
}
