import type { DatabaseEvents } from '../database/session.js';
import type { Observer } from '../model/index.js';

/**
 * Tells the agent's observer what happens to its connection. `first` is the server at the head of the list, in the words
 * of `endpointOf`: that another one is used is told when it begins and when it is over.
 */
export function serverEvents(first: string, observer: Observer): DatabaseEvents {
  let used = first;
  return {
    connected: (server, generation) => {
      const change = server === used ? 'none' : server === first ? 'back-to-first' : 'to-another';
      used = server;
      observer({ kind: 'database-connected', server, generation, change });
    },
    connectFailed: (server, { message }) =>
      observer({ kind: 'database-connect-failed', server, error: message }),
    lost: (server, { message }) => observer({ kind: 'database-connection-lost', server, error: message }),
  };
}
