import type { WarningCode } from '../../../src/model/index.js';
import type { ContractCase } from './case.js';
import {
  bridge,
  brq,
  flatBridge,
  makeBridge,
  makeTap,
  makeWired,
  network,
  port,
  tap,
  wired,
} from './names.js';

/** What makes a network that cannot be realised here, and how it is reported. */
const OBSTACLES: readonly {
  readonly what: string;
  readonly segments: readonly string[];
  readonly before?: readonly string[];
  readonly links?: readonly string[];
  readonly warning: WarningCode;
  /** Its rows say nothing: what works keeps its status. */
  readonly saysNothing?: boolean;
}[] = [
  { what: 'no binding', segments: [], warning: 'NETWORK_BINDING_MISSING', saysNothing: true },
  {
    what: 'an unmapped physical network',
    segments: ['flat nowhere'],
    warning: 'PHYSICAL_NETWORK_UNMAPPED',
  },
  {
    what: 'an impossible VLAN id',
    segments: ['bad vlan_id is 4095'],
    warning: 'VLAN_ID_INVALID',
    saysNothing: true,
  },
  {
    what: 'a missing physical interface',
    segments: ['flat physnet2'],
    warning: 'PHYSICAL_INTERFACE_MISSING',
  },
  {
    what: 'a physical interface in a foreign bridge',
    segments: ['flat physnet3'],
    before: [
      'link add br0 type bridge',
      'link add eth3 type veth peer name far3',
      'link set eth3 master br0',
    ],
    links: ['br0 down delay', 'eth3 in br0 down', 'far3 down'],
    warning: 'PHYSICAL_INTERFACE_ENSLAVED',
  },
  {
    what: 'a kind of segment that cannot be made',
    segments: ['gre'],
    warning: 'SEGMENT_TYPE_UNSUPPORTED',
  },
];
const INTERFACES = ['physnet1:eth1', 'physnet2:eth2', 'physnet3:eth3'];

/** A tap outside is not attached, one inside stays, and every other port is served. */
export const OBSTACLE_CASES: readonly ContractCase[] = OBSTACLES.map(
  ({ what, segments, before = [], links = [], warning, saysNothing = false }) => ({
    line: `a network with ${what}: a tap is not attached, one that is in the bridge stays${saysNothing ? ' with the status it has' : '; both DOWN'}; others are served`,
    before: [...before, ...makeBridge('a'), ...makeWired('1', 'a'), makeTap('2'), makeTap('3')],
    settings: { interfaces: INTERFACES },
    rows: {
      ports: [port('1', 'a', { status: 'ACTIVE' }), port('2', 'a', { status: 'BUILD' }), port('3', 'b')],
      networks: [network('a', ...segments), network('b', 'local')],
    },
    after: [
      'eth1 up',
      ...links,
      bridge('a'),
      `${tap('1')} in ${brq('a')} up`,
      `${tap('2')} down quiet`,
      bridge('b'),
      wired('3', 'b'),
    ].map((words) => (words === bridge('a') ? `${brq('a')} up for a` : words)),
    statuses: [...(saysNothing ? [] : ['1: ACTIVE -> DOWN']), '2: BUILD -> DOWN', '3: DOWN -> ACTIVE'],
    warnings: [warning],
  }),
);

const FLAT = network('a', 'flat physnet1');
const BOTH = ['physnet1:eth1', 'physnet2:eth2'];
const ETH2 = ['link add eth2 up type veth peer name far2', 'link set far2 up'];

/** A segment that changes under the taps, and networks that go. */
export const CHANGE_CASES: readonly ContractCase[] = [
  {
    line: 'a changed physical network: the old uplink leaves with its addresses, the new one comes, the taps stay',
    before: [...ETH2, makeTap('1'), 'address add 10.1.0.5/24 dev eth1'],
    settings: { interfaces: BOTH },
    earlier: [{ ports: [port('1', 'a')], networks: [FLAT] }],
    rows: { ports: [port('1', 'a', { status: 'ACTIVE' })], networks: [network('a', 'flat physnet2')] },
    after: ['eth1 up 10.1.0.5', `eth2 in ${brq('a')} up`, 'far2 up', flatBridge('a'), wired('1', 'a')],
  },
  {
    line: 'a segment that changes to one that cannot be realised: the uplink leaves, the taps stay; status DOWN',
    before: [makeTap('1')],
    earlier: [{ ports: [port('1', 'a')], networks: [FLAT] }],
    rows: { ports: [port('1', 'a', { status: 'ACTIVE' })], networks: [network('a', 'flat nowhere')] },
    after: ['eth1 up', flatBridge('a'), wired('1', 'a')],
    statuses: ['1: ACTIVE -> DOWN'],
    warnings: ['PHYSICAL_NETWORK_UNMAPPED'],
  },
  {
    line: 'a flat network that becomes local: the interface leaves with its addresses, and the bridge is quiet',
    before: [makeTap('1'), 'address add 10.1.0.5/24 dev eth1'],
    earlier: [{ ports: [port('1', 'a')], networks: [FLAT] }],
    rows: { ports: [port('1', 'a', { status: 'ACTIVE' })], networks: [network('a', 'local')] },
    after: ['eth1 up 10.1.0.5', bridge('a'), wired('1', 'a')],
  },
  {
    line: 'a local network that becomes flat: the interface joins the bridge with its addresses',
    before: [makeTap('1'), 'address add 10.1.0.5/24 dev eth1'],
    earlier: [{ ports: [port('1', 'a')], networks: [network('a', 'local')] }],
    rows: { ports: [port('1', 'a', { status: 'ACTIVE' })], networks: [FLAT] },
    after: [`eth1 in ${brq('a')} up`, `${flatBridge('a')} 10.1.0.5`, wired('1', 'a')],
  },
  {
    line: 'a port that is moved to another network: its tap changes the bridge, the old bridge stays',
    before: [makeTap('1')],
    earlier: [{ ports: [port('1', 'a')], networks: [network('a', 'local')] }],
    rows: {
      ports: [port('1', 'b', { status: 'BUILD' })],
      networks: [network('a', 'local'), network('b', 'local')],
    },
    after: ['eth1 up', bridge('a'), bridge('b'), wired('1', 'b')],
    statuses: ['1: BUILD -> ACTIVE'],
  },
  {
    line: 'a flat network that is gone: its taps leave, the addresses go back, the bridge is deleted',
    before: [makeTap('1'), 'address add 10.1.0.5/24 dev eth1', 'route add default via 10.1.0.1 dev eth1'],
    earlier: [{ ports: [port('1', 'a')], networks: [FLAT] }],
    rows: {},
    after: ['eth1 up 10.1.0.5', `${tap('1')} up quiet`],
  },
  {
    line: 'a flat network that is gone after its mapping went: the addresses go back all the same',
    before: [makeTap('1'), 'address add 10.1.0.5/24 dev eth1', ...makeFlatBridge()],
    settings: { interfaces: [] },
    rows: {},
    after: ['eth1 up 10.1.0.5', `${tap('1')} down`],
  },
  {
    line: 'a network that is gone with a foreign device in its bridge: reported, the bridge stays',
    before: [makeTap('1'), 'tuntap add dev vnet7 mode tap'],
    earlier: [{ ports: [port('1', 'a')], networks: [network('a', 'local')] }],
    meanwhile: [`link set vnet7 master ${brq('a')}`],
    rows: {},
    after: ['eth1 up', bridge('a'), `vnet7 in ${brq('a')} down`, `${tap('1')} up quiet`],
    warnings: ['BRIDGE_NOT_DELETED'],
  },
  {
    line: 'a network that is gone with addresses that were not moved there: reported, the bridge stays',
    before: [makeTap('1')],
    earlier: [{ ports: [port('1', 'a')], networks: [network('a', 'local')] }],
    meanwhile: [`address add 10.9.0.1/24 dev ${brq('a')}`],
    rows: {},
    after: ['eth1 up', `${bridge('a')} 10.9.0.1`, `${tap('1')} up quiet`],
    warnings: ['BRIDGE_NOT_DELETED'],
  },
  {
    line: 'a network that still exists keeps its empty bridge',
    before: [makeTap('1')],
    earlier: [{ ports: [port('1', 'a')], networks: [network('a', 'local')] }],
    meanwhile: [`link del ${tap('1')}`],
    rows: { networks: [network('a', 'local')] },
    after: ['eth1 up', bridge('a')],
  },
];

/** As an agent has left it: a labelled bridge with the MAC address of its uplink, and the addresses on it. */
function makeFlatBridge(): string[] {
  const mac = '02:00:00:00:01:05';
  return [
    `link set eth1 address ${mac}`,
    ...makeBridge('a'),
    `link set ${brq('a')} address ${mac}`,
    'address del 10.1.0.5/24 dev eth1',
    `address add 10.1.0.5/24 dev ${brq('a')}`,
    `link set eth1 master ${brq('a')}`,
  ];
}
