import { isIP } from 'node:net';
import * as v from 'valibot';

/** What the row of a host in `agents` tells the other hosts of its tunnels. */
export interface Tunnels {
  /** The address at which its tunnels end; empty: there are none. */
  readonly address: string;
  /** The kinds of network that a server may bind to it, and other hosts reach through it. */
  readonly types: readonly string[];
}

export const NO_TUNNELS: Tunnels = { address: '', types: [] };

const CONFIGURATIONS = v.object({
  tunneling_ip: v.pipe(
    v.string(),
    v.check((address) => isIP(address) !== 0),
  ),
  tunnel_types: v.fallback(
    v.pipe(v.array(v.pipe(v.string(), v.regex(/^[a-z_]{1,16}$/))), v.maxLength(8)),
    [],
  ),
});

/**
 * What is kept of `agents.configurations` as the agent before has written it. The address stays: other hosts look a
 * tunnel's end up there as long as ports of this host are on tunnelled networks. The types stay only where this host's own
 * files say that tunnels end at that very address, since a server binds new ports by them, which this agent does not wire.
 */
export function keptTunnels(configurations: string | null, tunnelAddress: string | null): Tunnels {
  const written = v.safeParse(v.pipe(v.string(), v.parseJson(), CONFIGURATIONS), configurations);
  if (!written.success) return NO_TUNNELS;
  const { tunneling_ip: address, tunnel_types: types } = written.output;
  return { address, types: address === tunnelAddress ? types : [] };
}
