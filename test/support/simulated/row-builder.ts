import {
  type Answer,
  type Binding,
  type Endpoint,
  type ForwardingAnswer,
  type Network,
  networkId,
  type Port,
  physicalNetwork,
  portId,
  type Segment,
  type Warning,
} from '../../../src/model/index.js';
import { TEST_HOST } from './host-builder.js';

/** `local`, `flat physnet1`, `vlan physnet1 100`, `vxlan 77`, `gre`, `bad vlan_id is 4095`, `bad network …`. */
export type SegmentWords = string;

/** A port row; whatever is left out is as for a port that is to be wired here. */
export interface PortWords {
  readonly id: string;
  readonly network: string;
  readonly adminUp?: boolean;
  readonly status?: string | null;
  /** `here`, `unhosted`, `arriving`, `elsewhere node-2`, `standby node-2`, `other-driver ovs`. */
  readonly binding?: string;
  /** `device_owner` begins with `compute:`. */
  readonly compute?: boolean;
  readonly filterExpected?: boolean;
  readonly interfaceId?: string;
  readonly device?: string;
  readonly segment?: SegmentWords;
}

export interface NetworkWords {
  readonly id: string;
  /** false: only its binding is there. */
  readonly row?: boolean;
  readonly segments?: readonly SegmentWords[];
  readonly mtu?: number;
}

export interface AnswerWords {
  readonly generation?: string;
  readonly ports?: readonly PortWords[];
  readonly networks?: readonly NetworkWords[];
  readonly server?: string;
  readonly suspect?: 'in-recovery' | 'read-only';
  readonly behind?: Answer['behind'];
  readonly emptyTables?: readonly string[];
  /** Ids of ports whose rows cannot be used. */
  readonly badPorts?: readonly string[];
  /** By network, the hosts of its VXLAN segment with their tunnels' ends, as `endOf` has them. This host is one of them. */
  readonly hosts?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The networks that have these VNIs now. */
  readonly vnis?: Readonly<Record<string, readonly string[]>>;
}

export const TEST_SERVER = 'server-1';

/** An answer of the database, in the model's words. */
export function buildAnswer(words: AnswerWords): Answer {
  const generation = words.generation ?? 'grizzly';
  return {
    generation,
    hasHosts: generation === 'grizzly' || generation === 'ml2',
    ports: (words.ports ?? []).map((one) => buildPort(one, generation)),
    networks: (words.networks ?? []).map(buildNetwork),
    server: words.server ?? TEST_SERVER,
    suspect: words.suspect ?? null,
    behind: words.behind ?? null,
    emptyTables: words.emptyTables ?? [],
    ...(words.hosts === undefined && words.vnis === undefined ? {} : { forwarding: buildForwarding(words) }),
    warnings: (words.badPorts ?? []).map(badRow),
  };
}

/** An address, or in any other words why nobody knows it. */
export const endOf = (text: string): Endpoint =>
  /^[\d.]+$|:/.test(text) ? { kind: 'address', address: text } : { kind: 'unknown', problem: text };

function buildForwarding({ networks = [], hosts = {}, vnis = {} }: AnswerWords): ForwardingAnswer {
  const tunnels = networks.flatMap(({ id, segments = [] }) =>
    segments
      .map(buildSegment)
      .flatMap((segment) =>
        segment.kind === 'vxlan' && hosts[id] !== undefined
          ? [{ segment: `${id} ${segment.vni}`, network: networkId(id), vni: segment.vni }]
          : [],
      ),
  );
  const ends = Object.values(hosts).flatMap((one) => Object.entries(one));
  return {
    tunnels,
    hosts: new Map(
      tunnels.map(({ segment, network }) => [segment, [TEST_HOST, ...Object.keys(hosts[network] ?? {})]]),
    ),
    endpoints: new Map(ends.map(([host, text]) => [host, endOf(text)])),
    vnis: new Map(Object.entries(vnis).map(([vni, ids]) => [Number(vni), ids.map(networkId)])),
  };
}

export function buildPort(words: PortWords, generation = 'grizzly'): Port {
  const isEssex = generation === 'essex';
  return {
    id: portId(words.id),
    interfaceId: words.interfaceId ?? words.id,
    deviceName: words.device ?? null,
    networkId: networkId(words.network),
    adminUp: words.adminUp ?? true,
    status: words.status === undefined ? 'DOWN' : words.status,
    statusWords: isEssex ? { active: 'UP', down: 'DOWN' } : { active: 'ACTIVE', down: 'DOWN' },
    binding: buildBinding(words.binding ?? (generation === 'folsom' || isEssex ? 'unhosted' : 'here')),
    pluggedByHypervisor: words.compute ?? false,
    filterExpected: words.filterExpected ?? false,
    segment: words.segment === undefined ? null : buildSegment(words.segment),
  };
}

function buildBinding(words: string): Binding {
  const [kind, detail = ''] = words.split(' ');
  switch (kind) {
    case 'here':
    case 'unhosted':
    case 'arriving':
      return { kind };
    case 'elsewhere':
    case 'standby':
      return { kind, host: detail };
    case 'other-driver':
      return { kind, vifType: detail };
    default:
      throw new RangeError(`no binding is called ${words}`);
  }
}

export const buildNetwork = ({ id, row, segments, mtu }: NetworkWords): Network => ({
  id: networkId(id),
  rowPresent: row ?? true,
  segments: (segments ?? ['local']).map(buildSegment),
  mtu: mtu ?? null,
});

const BAD_CODES = {
  vlan_id: 'VLAN_ID_INVALID',
  physical_network: 'PHYSICAL_NETWORK_MISSING',
} as const;

export function buildSegment(words: SegmentWords): Segment {
  const [kind = '', physical = '', vlan = ''] = words.split(' ');
  if (kind === 'local') return { kind };
  if (kind === 'flat') return { kind, physicalNetwork: physicalNetwork(physical) };
  if (kind === 'vlan') return { kind, physicalNetwork: physicalNetwork(physical), vlanId: Number(vlan) };
  if (kind === 'vxlan') return { kind, vni: Number(physical) };
  if (kind !== 'bad') return { kind: 'unsupported', type: kind };
  const problem = words.slice('bad '.length);
  const code =
    physical === 'vlan_id' || physical === 'physical_network' ? BAD_CODES[physical] : 'BINDING_INVALID';
  return { kind, code, problem };
}

const badRow = (id: string): Warning => ({
  code: 'PORT_BAD_ROW',
  message: `The row of port ${id} cannot be used: its network_id is NULL.`,
  port: portId(id),
});
