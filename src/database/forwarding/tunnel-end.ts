import { isIP, SocketAddress } from 'node:net';
import * as v from 'valibot';
import type { Endpoint } from '../../model/forwarding.js';
import type { Row } from '../connection.js';
import { AGENT_TYPE } from '../generations/agents.js';
import { shown, text } from '../generations/values.js';

const CONFIGURATIONS = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ tunneling_ip: v.optional(v.unknown()), tunnel_types: v.optional(v.unknown()) }),
);

/** Where the tunnels of one host end, by its rows of `agents`: an agent of this kind first, else any whose tunnels are of this kind. */
export function tunnelEndOf(rows: readonly Row[]): Endpoint {
  const isOwn = (row: Row): boolean => text(row.agent_type) === AGENT_TYPE;
  const own = rows.filter(isOwn).map(({ configurations }) => endOf(configurations, 'any'));
  const others = rows
    .filter((row) => !isOwn(row))
    .map(({ configurations }) => endOf(configurations, 'vxlan'));
  const found = [...own, ...others].find(({ kind }) => kind === 'address');
  return found ?? own[0] ?? { kind: 'unknown', problem: 'no agent in agents has a tunnel there' };
}

function endOf(configurations: unknown, types: 'any' | 'vxlan'): Endpoint {
  const written = v.safeParse(CONFIGURATIONS, text(configurations));
  if (!written.success)
    return { kind: 'unknown', problem: `configurations of its agent is ${shown(configurations)}` };
  const { tunneling_ip: address, tunnel_types: listed } = written.output;
  if (types === 'vxlan' && !(Array.isArray(listed) && listed.includes('vxlan')))
    return { kind: 'unknown', problem: 'its agent has no tunnels of type vxlan' };
  if (typeof address !== 'string' || address === '')
    return { kind: 'unknown', problem: 'its agent says no tunneling_ip' };
  return isIP(address) === 0
    ? { kind: 'unknown', problem: `the tunneling_ip of its agent is ${shown(address)}` }
    : { kind: 'address', address: printedAddress(address) };
}

/** As `ip` prints it: an IPv6 address has many texts. */
export const printedAddress = (address: string): string =>
  new SocketAddress({ address, family: isIP(address) === 6 ? 'ipv6' : 'ipv4' }).address;
