import { once } from 'node:events';
import { type Cleanup, endProcess, spawnIn } from './netns.js';

const LIMIT_MS = 10_000;
const SCRIPT = `
require('net').createServer().listen('\\0quantum-linuxbridge-agent', () => console.log('taken'));
process.stdin.resume();
`;

/** An ordinary user takes the abstract name that was the one-agent lock once, until the test ends. */
export async function startSquatter(t: Cleanup, namespace: string): Promise<void> {
  const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const squatter = spawnIn(namespace, 'setpriv', ...user, process.execPath, '-e', SCRIPT);
  t.after(() => endProcess(squatter));
  if (squatter.stdout === null) throw new Error('it has a stdout');
  await once(squatter.stdout, 'data', { signal: AbortSignal.timeout(LIMIT_MS) });
}
