import { createServer, type Server } from 'node:net';

/**
 * Abstract Unix sockets belong to the network namespace, as bridges do: exactly one agent can hold this name
 * where it would otherwise meet another one's changes. The kernel frees it when the process ends, however it ends.
 */
const LOCK_NAME = '\0quantum-linuxbridge-agent';

export interface Lock {
  release(): Promise<void>;
}

/** Takes the one-agent lock of this network namespace; null when another agent has it. */
export async function takeLock(): Promise<Lock | null> {
  const server = createServer((socket) => socket.destroy());
  const taken = await new Promise<boolean>((settle, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? settle(false) : fail(error),
    );
    server.listen(LOCK_NAME, () => settle(true));
  });
  return taken ? { release: () => closeServer(server) } : null;
}

/** Stops listening; settles when the last connection is gone. */
export const closeServer = (server: Server): Promise<void> =>
  new Promise((settle) => {
    server.close(() => settle());
  });
