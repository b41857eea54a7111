import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cleanup, enterNamespace } from '../host/netns.js';
import type { TestServer } from './servers.js';

/** What becomes of the server's answers on their way to the agent. */
export type Manner =
  | { readonly kind: 'pass' }
  /** The connection is reset when this many bytes more have passed. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** This many bytes more pass, then nothing; the connection stays open. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** One byte at a time. */
  | { readonly kind: 'drip'; readonly everyMs: number }
  /** As many bytes as the server sent, all of this value. */
  | { readonly kind: 'noise'; readonly byte: number };

/** A TCP relay before a database server, in a namespace of its own, that a test can make misbehave. */
export interface Relay {
  /** Holds for open connections, and for new ones. */
  behave(manner: Manner): void;
  /** Connections that were accepted so far. */
  connections(): number;
}

export interface RelayPlace {
  readonly namespace: string;
  readonly address: string;
  readonly port: number;
}

/** Relays a TCP port of a namespace to the server's Unix socket, until the test ends. */
export async function startRelay(t: Cleanup, server: TestServer, place: RelayPlace): Promise<Relay> {
  const open = new Set<Socket>();
  let manner: Manner = { kind: 'pass' };
  let generation = 0;
  let accepted = 0;
  const listener = createServer((client) => {
    accepted += 1;
    const upstream = connect(unixPath(server));
    for (const socket of [client, upstream]) {
      open.add(socket);
      // Whichever side ends takes the other one along; why it did is the test's own doing.
      socket.on('error', () => {});
      socket.once('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    void handOn(upstream, client, () => ({ manner, generation }));
  });
  await listenIn(place, listener);
  t.after(() => {
    listener.close();
    for (const socket of open) socket.destroy();
  });
  return {
    behave: (next) => {
      manner = next;
      generation += 1;
    },
    connections: () => accepted,
  };
}

const unixPath = ({ engine, socketPath, port }: TestServer): string =>
  engine === 'postgresql' ? join(socketPath, `.s.PGSQL.${port}`) : socketPath;

/** A socket belongs to the namespace in which it is opened; `listen` opens it a turn of the event loop later. */
async function listenIn({ namespace, address, port }: RelayPlace, listener: ReturnType<typeof createServer>) {
  const leave: (() => void | Promise<void>)[] = [];
  enterNamespace({ after: (end) => leave.push(end) }, namespace);
  try {
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(port, address, resolve);
    });
  } finally {
    for (const step of leave) await step();
  }
}

async function handOn(
  from: Socket,
  to: Socket,
  now: () => { readonly manner: Manner; readonly generation: number },
): Promise<void> {
  let passed = 0;
  let counted = now().generation;
  try {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      const { manner, generation } = now();
      if (generation !== counted) {
        passed = 0;
        counted = generation;
      }
      await hand(to, chunk, manner, passed);
      passed += chunk.length;
    }
  } catch {
    // One of the two connections ended; both are destroyed then.
  }
}

async function hand(to: Socket, chunk: Buffer, manner: Manner, passed: number): Promise<void> {
  switch (manner.kind) {
    case 'pass':
      to.write(chunk);
      return;
    case 'noise':
      to.write(Buffer.alloc(chunk.length, manner.byte));
      return;
    case 'drip':
      for (const byte of chunk) {
        if (to.destroyed) return;
        to.write(Buffer.from([byte]));
        await delay(manner.everyMs);
      }
      return;
    case 'cut':
    case 'reset': {
      const left = Math.max(0, manner.afterBytes - passed);
      to.write(chunk.subarray(0, left));
      if (manner.kind === 'reset' && chunk.length > left) to.resetAndDestroy();
    }
  }
}
