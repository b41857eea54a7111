import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { HANG_LIMIT_MS } from '../limit.js';
import { type Cleanup, endProcess, spawnIn } from './netns.js';

/** A TCP connection between two namespaces that is kept open. */
export interface Conversation {
  /** Sends a line over the connection and waits until the other end has sent it back. */
  exchange(line: string): Promise<void>;
}

/** What the other end does: sends back whatever comes. */
const ECHO = (address: string, port: number): string => `
  require('node:net').createServer((socket) => socket.pipe(socket))
    .listen(${port}, '${address}', () => console.log('ready'))`;
/** Ends when the connection does, so that a lost one cannot be made anew unseen. */
const TALK = (address: string, port: number): string => `
  const socket = require('node:net').connect(${port}, '${address}', () => console.log('ready'));
  process.stdin.pipe(socket).pipe(process.stdout);
  socket.on('close', () => process.exit(1));`;

/** Listens on an address in one namespace and connects to it from another one. Both ends end with the test. */
export async function openConversation(
  t: Cleanup,
  listener: { readonly namespace: string; readonly address: string; readonly port: number },
  from: string,
): Promise<Conversation> {
  const { namespace, address, port } = listener;
  const start = async (inside: string, script: string): Promise<ChildProcess> => {
    const child = spawnIn(inside, process.execPath, '-e', script);
    t.after(() => endProcess(child));
    await printed(child, 'ready');
    return child;
  };
  await start(namespace, ECHO(address, port));
  const client = await start(from, TALK(address, port));
  return {
    exchange: async (line) => {
      client.stdin?.write(`${line}\n`);
      await printed(client, line);
    },
  };
}

/** Waits for a line of output. */
async function printed(child: ChildProcess, line: string): Promise<void> {
  const signal = AbortSignal.timeout(HANG_LIMIT_MS);
  let text = '';
  while (!text.includes(`${line}\n`)) {
    if (child.stdout === null || child.exitCode !== null)
      throw new Error(`the connection ended before "${line}"`);
    const [chunk] = (await once(child.stdout, 'data', { signal })) as [Buffer];
    text += chunk.toString();
  }
}
