import type { Removal } from '../decide/desired.js';
import type { DecidedTunnels } from '../decide/tunnels.js';
import type { Suspicion } from './trust.js';

/**
 * What is asked for about tunnels, as removals among the others: what of it is held is shown, accepted and released with them. No
 * tap is taken out by it.
 */
export const tunnelRemovals = ({ asked, tunnels }: Pick<DecidedTunnels, 'asked' | 'tunnels'>): Removal[] =>
  asked.flatMap((one): Removal[] => {
    const device = tunnels.get(one.network)?.tunnel.name;
    if (device === undefined) return [];
    const fields = { key: one.key, taps: [], leaves: [], device };
    return 'entry' in one
      ? [
          {
            ...fields,
            cause: 'host-gone',
            text: `delete the entry of ${device} for ${one.entry.endpoint}, behind which no host has network ${one.network} any more`,
          },
        ]
      : [
          {
            ...fields,
            cause: 'tunnel-differs',
            text: `make ${device} of network ${one.network} again: ${one.tunnel.differs.join('; ')}`,
          },
        ];
  });

/** Why the hosts that an answer does not name may be there all the same, in one clause; null: they are not. */
export function doubtAboutHosts(suspect: Suspicion | null, emptyTables: readonly string[]): string | null {
  if (emptyTables.length === 0) return suspect?.reason ?? null;
  return `table ${emptyTables.join(' and table ')} ${emptyTables.length === 1 ? 'is' : 'are'} wholly empty`;
}
