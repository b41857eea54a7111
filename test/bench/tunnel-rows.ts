import { tunnelName } from '../../src/model/index.js';
import { type LinkWords, LOCAL } from '../support/simulated/host-builder.js';
import { buildAnswer } from '../support/simulated/row-builder.js';
import type { CloudInMemory, Rows } from './in-memory.js';
import { bridgeOf, networkId, portId, tapOf } from './stage.js';

const MTU = 1450;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
const endOf = (other: number): string => `10.8.${other >> 8}.${other & 255}`;

/** The links of a host that is right already. */
export function linksIn({ taps, networks, others }: CloudInMemory): LinkWords[] {
  const mtu = others === undefined ? 1500 : MTU;
  return [
    { name: 'eth1', addresses: [`${LOCAL}/24`] },
    ...numbers(networks).map((n) => ({ name: bridgeOf(n), label: networkId(n), mtu })),
    ...numbers(taps).map((n) => ({ name: tapOf(n), master: bridgeOf(((n - 1) % networks) + 1), mtu })),
    ...numbers(others === undefined ? 0 : networks).map(
      (n): LinkWords => ({
        name: tunnelName(n),
        kind: 'vxlan',
        vni: n,
        master: bridgeOf(n),
        label: networkId(n),
        mtu,
        ipv6: 'disabled',
        // In the order in which the kernel room gives them.
        entries: numbers(others ?? 0)
          .map(endOf)
          .sort(),
      }),
    ),
  ];
}

/** The same answer each time, as from a database in which nothing changes. */
export function tunnelRowsOf({ taps, networks, others }: Required<CloudInMemory>): Rows {
  const ends = Object.fromEntries(numbers(others).map((other) => [`other${other}`, endOf(other)]));
  const answer = buildAnswer({
    generation: 'ml2',
    ports: numbers(taps).map((n) => ({
      id: portId(n),
      network: networkId(((n - 1) % networks) + 1),
      status: 'ACTIVE',
    })),
    networks: numbers(networks).map((n) => ({ id: networkId(n), segments: [`vxlan ${n}`], mtu: MTU })),
    hosts: Object.fromEntries(numbers(networks).map((n) => [networkId(n), ends])),
  });
  return {
    database: { read: async () => answer, writeStatuses: async () => 0, close: async () => {} },
    setAdminState: () => {
      throw new Error('the rows of tunnels do not change');
    },
  };
}
