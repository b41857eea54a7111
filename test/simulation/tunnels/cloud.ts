import {
  type Answer,
  type Endpoint,
  type ForwardingAnswer,
  type NetworkId,
  networkId,
  type WentBack,
} from '../../../src/model/index.js';
import { buildAnswer } from '../../support/simulated/row-builder.js';
import type { Random } from '../random.js';

/** The rows of a cloud with tunnels, as they really are. */
export interface Rows {
  /** By port: its network, and the host that it is bound to. */
  readonly ports: ReadonlyMap<string, { readonly network: string; readonly host: string }>;
  /** By network: its VNI. */
  readonly networks: ReadonlyMap<string, number>;
  /** By host: where its tunnels end; an empty text: its row in agents says nothing. */
  readonly ends: ReadonlyMap<string, string>;
}

/** What an answer has of them, and what else it tells of the server. */
export interface Weather {
  readonly kind: 'fair' | 'levels-half' | 'levels-empty' | 'agents-half' | 'older' | 'lagging' | 'claimed';
  /** Which half is gone. */
  readonly salt: number;
  readonly rows: Rows;
}

/** What one answer tells one host, with what it hides. */
export interface Told {
  readonly answer: Answer;
  readonly wentBack: WentBack | null;
  readonly forwarding: ForwardingAnswer;
  /** Nothing in it says that it is old, or of a table that is empty. */
  readonly isTrusted: boolean;
}

export const MTU = 1_450;
export const SIMULATED = ['node-1', 'node-2', 'node-3'] as const;
export const REMOTE = ['node-4', 'node-5', 'node-6', 'node-7', 'node-8', 'node-9'] as const;
export const HOSTS: readonly string[] = [...SIMULATED, ...REMOTE];
export const endOf = (host: string): string => `192.0.2.${host.slice('node-'.length)}`;
export const newId = (random: Random): string =>
  `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-8${random.hex(3)}-${random.hex(12)}`;

/** Networks with a port on most hosts. */
export function firstRows(random: Random): Rows {
  const networks = new Map(Array.from({ length: 3 }, (_, at) => [newId(random), 1_001 + at]));
  const ports = new Map(
    [...networks.keys()].flatMap((network) =>
      HOSTS.filter(() => random.chance(0.7)).map((host) => [newId(random), { network, host }] as const),
    ),
  );
  return { ports, networks, ends: new Map(HOSTS.map((host) => [host, endOf(host)])) };
}

/** Whether a row is in the half that is there. */
const isThere = (key: string, salt: number): boolean =>
  ([...key].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) + salt) % 2 === 0;

/** Port and host of each binding that is there. */
function bindingsIn({ kind, salt, rows }: Weather): Rows['ports'] {
  if (kind === 'levels-empty') return new Map();
  if (kind !== 'levels-half') return rows.ports;
  return new Map([...rows.ports].filter(([, { host }]) => isThere(host, salt)));
}

function endsIn({ kind, salt, rows }: Weather): ReadonlyMap<string, Endpoint> {
  const claimed = HOSTS[salt % HOSTS.length] ?? '';
  const claimant = HOSTS[(salt + 1) % HOSTS.length];
  return new Map(
    HOSTS.map((host): [string, Endpoint] => {
      const isGone = kind === 'agents-half' && !isThere(host, salt);
      const own = rows.ends.get(host) ?? '';
      const address =
        kind === 'claimed' && host === claimant ? (rows.ends.get(claimed) ?? '') : isGone ? '' : own;
      return [
        host,
        address === ''
          ? { kind: 'unknown', problem: 'it has no row in agents' }
          : { kind: 'address', address },
      ];
    }),
  );
}

export interface Asked {
  /** Names of the taps that are here. */
  readonly taps: ReadonlySet<string>;
  /** The networks of the bridges that are here. */
  readonly bridges: readonly NetworkId[];
  readonly vnis: readonly number[];
}

/** What the database tells a host that asks. */
export function tell(weather: Weather, host: string, asked: Asked): Told {
  const { rows, kind } = weather;
  const ports = [...rows.ports].filter(([id]) => asked.taps.has(`tap${id.slice(0, 11)}`));
  const tapped = new Set(ports.map(([, { network }]) => network));
  const named = new Set([...tapped, ...asked.bridges]);
  const networks = [...rows.networks].filter(([id]) => named.has(id));
  const forwarding = forwardingIn(weather, [...tapped], asked.vnis);
  const isEmpty = kind === 'levels-empty';
  const wentBack = kind === 'older' ? { known: '2026-01-02 00:00:00', shown: '2026-01-01 00:00:00' } : null;
  const answer = buildAnswer({
    generation: 'ml2',
    ports: ports.map(([id, port]) => ({
      id,
      network: port.network,
      status: 'ACTIVE',
      binding: port.host === host ? 'here' : `elsewhere ${port.host}`,
    })),
    networks: networks.map(([id, vni]) => ({ id, segments: [`vxlan ${vni}`], mtu: MTU })),
    behind: wentBack,
    ...(kind === 'lagging' && { suspect: 'in-recovery' as const }),
    ...(isEmpty && { emptyTables: ['ml2_port_binding_levels'] }),
  });
  const isTrusted = !isEmpty && kind !== 'lagging' && kind !== 'older';
  return { answer: { ...answer, forwarding }, wentBack, forwarding, isTrusted };
}

function forwardingIn(
  weather: Weather,
  networks: readonly string[],
  vnis: readonly number[],
): ForwardingAnswer {
  const { rows } = weather;
  const tunnels = networks.flatMap((network) => {
    const vni = rows.networks.get(network);
    return vni === undefined ? [] : [{ segment: `segment of ${network}`, network: networkId(network), vni }];
  });
  const bindings = [...bindingsIn(weather).values()];
  const hosts = new Map(
    tunnels.map(({ segment, network }) => {
      const bound = bindings.flatMap((one) => (one.network === network ? [one.host] : []));
      return [segment, [...new Set(bound)].sort()];
    }),
  );
  const ownersOf = (vni: number): NetworkId[] =>
    [...rows.networks].flatMap(([id, one]) => (one === vni ? [networkId(id)] : []));
  return {
    tunnels,
    hosts,
    endpoints: endsIn(weather),
    vnis: new Map(vnis.map((vni) => [vni, ownersOf(vni)])),
  };
}
