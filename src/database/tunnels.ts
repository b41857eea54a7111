import { isIP } from 'node:net';
import * as v from 'valibot';
import type { SelfReport } from '../model/database.js';

const CONFIGURATIONS = v.object({
  tunneling_ip: v.pipe(
    v.string(),
    v.check((address) => isIP(address) !== 0),
  ),
});

/**
 * The end of this host's tunnels as `agents.configurations` has it; empty: it has none. It stays while this agent serves no
 * tunnels: other hosts look it up as long as ports of this host are on networks of type vxlan, whose tunnels stand.
 */
export function keptAddress(configurations: string | null): string {
  const written = v.safeParse(v.pipe(v.string(), v.parseJson(), CONFIGURATIONS), configurations);
  return written.success ? written.output.tunneling_ip : '';
}

/** What the row of a host tells the servers, which bind ports by `tunnel_types`, and the other hosts of its tunnels. */
export const tunnelsIn = (served: SelfReport['tunnels'], kept: string) => ({
  l2_population: served?.isPopulated ?? false,
  tunnel_types: served === null ? [] : ['vxlan'],
  tunneling_ip: served?.address ?? kept,
});
