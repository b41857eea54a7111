import { ipJson, spawnIn } from './netns.js';

/**
 * Sends to an address from a namespace again and again, and tells whether its owner has answered within the limit: the owner is
 * a neighbour then.
 */
export async function reaches(namespace: string, address: string, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const send = spawnIn(namespace, 'bash', '-c', `echo > /dev/udp/${address}/9`);
    await new Promise((resolve) => send.once('exit', resolve));
    const [neighbour] = ipJson<{ lladdr?: string }>(namespace, 'neighbour', 'show', address);
    if (neighbour?.lladdr !== undefined) return true;
  }
  return false;
}
