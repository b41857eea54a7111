import { once } from 'node:events';
import { HANG_LIMIT_MS } from '../limit.js';
import { type Cleanup, endProcess, spawnIn } from './netns.js';

/** What goes over an interface, as tcpdump sees it. */
export interface Capture {
  /** How many packets until now. */
  count(): number;
}

/** Watches an interface for packets of this filter; resolves when tcpdump listens. Ends with the test. */
export async function startCapture(
  t: Cleanup,
  namespace: string,
  device: string,
  filter: string,
): Promise<Capture> {
  const program = spawnIn(namespace, 'tcpdump', '-n', '-l', '--immediate-mode', '-i', device, filter);
  t.after(() => endProcess(program));
  const { stdout, stderr } = program;
  if (stdout === null || stderr === null) throw new Error('tcpdump has no output');
  let lines = 0;
  stdout.setEncoding('utf8').on('data', (text: string) => {
    lines += text.split('\n').length - 1;
  });
  const signal = AbortSignal.timeout(HANG_LIMIT_MS);
  for (let said = ''; !said.includes('listening on'); )
    said += String((await once(stderr, 'data', { signal }))[0]);
  return { count: () => lines };
}
