import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { type Kernel, KernelError, type MoveJournal } from '../model/kernel.js';
import { routesOver } from './addresses/carried.js';
import { applyOperations } from './apply.js';
import { openTapFilter } from './filtering/tap-filter.js';
import { openForwarding } from './forwarding/table.js';
import { openRequests } from './netlink/requests.js';
import { openObserver } from './observe.js';
import type { Host } from './operation-context.js';

/** CAP_NET_ADMIN in the capability bits of /proc/self/status. */
const CAP_NET_ADMIN = 1n << 12n;

const NO_JOURNAL: MoveJournal = { begin: () => {}, done: () => {} };

/**
 * Opens the kernel of the network namespace that the process is in. Reading needs no rights; what `apply` is
 * not permitted to do ends with EPERM (see `hasNetAdmin`). Throws KernelError: `permission` when even the
 * socket is refused, `unsupported` when there is no rtnetlink. `journal`: where moves of addresses are written down; whoever
 * only looks needs none.
 */
export function openKernel(journal: MoveJournal = NO_JOURNAL): Kernel {
  // netlink is in host byte order, and the codec reads and writes the little-endian one.
  if (endianness() !== 'LE') throw new KernelError('unsupported', 'Big-endian machines are not supported.');
  const requests = openRequests();
  const tapFilter = openTapFilter();
  const forwarding = openForwarding(requests);
  const observer = openObserver(requests, tapFilter, forwarding);
  const lacking: Host['lacking'] = { vlanFiltering: null };
  return {
    observe: observer.observe,
    routesOver: (index) => routesOver(requests, index).map(({ route }) => route),
    invalidate: () => {
      observer.invalidate();
      tapFilter.askAgain();
      forwarding.invalidate();
    },
    askAgain: tapFilter.askAgain,
    apply: (operations) => {
      const { catchUp, linkAt, refresh } = observer;
      return applyOperations({ requests, tapFilter, lacking, journal, catchUp, linkAt, refresh }, operations);
    },
    watch: (look) => {
      observer.watch(() => {
        tapFilter.askAgain();
        look();
      });
      forwarding.watch(look);
    },
    close: async () => {
      observer.close();
      forwarding.close();
      requests.close();
      tapFilter.close();
    },
  };
}

/** Whether this process may change links: CAP_NET_ADMIN is among its effective capabilities. */
export function hasNetAdmin(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return effective !== undefined && (BigInt(`0x${effective}`) & CAP_NET_ADMIN) !== 0n;
}
