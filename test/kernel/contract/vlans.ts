import { linkName, subinterfaceName } from '../../../src/model/index.js';
import type { ContractCase } from './case.js';
import { bridge, brq, flatBridge, idOf, makeTap, network, port, tap, wired } from './names.js';

const V100 = network('a', 'vlan physnet1 100');
const TWO_INTERFACES = { interfaces: ['physnet1:eth1', 'physnet2:eth2'] };
const ETH2 = ['link add eth2 up type veth peer name far2', 'link set far2 up'];
const LONG = 'enp129s0f1np1';

/** How a VLAN subinterface of the agent looks to `hostInWords`. */
const uplink = (letter: string, vlanId: number, parent = 'eth1'): string =>
  `${subinterfaceName(linkName(parent), vlanId)} in ${brq(letter)} vlan ${vlanId} on ${parent} up for ${letter} quiet`;
const label = (device: string, letter: string): string =>
  `link set ${device} alias quantum-linuxbridge-agent:${idOf(letter)}`;
const makeVlan = (vlanId: number, name = `eth1.${vlanId}`): string =>
  `link add link eth1 name ${name} type vlan id ${vlanId}`;
/** A host on which network `a` is VLAN 100 and wired. */
const wiredBefore = {
  before: [makeTap('1')],
  earlier: [{ ports: [port('1', 'a')], networks: [V100] }],
};
const active = (digit: string, letter: string) => port(digit, letter, { status: 'ACTIVE' });

/** VLAN networks: their subinterfaces, and whose they are. */
export const VLAN_CASES: readonly ContractCase[] = [
  {
    line: 'a port that is up on a VLAN network: the subinterface is made, up and in the bridge, the interface keeps its address; status ACTIVE',
    before: [makeTap('1'), 'address add 10.1.0.5/24 dev eth1'],
    rows: { ports: [port('1', 'a')], networks: [V100] },
    after: ['eth1 up 10.1.0.5', uplink('a', 100), bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'a compute port on a VLAN network within plug_grace: bridge and subinterface are there at once',
    before: [makeTap('1')],
    rows: { ports: [port('1', 'a', { compute: true })], networks: [V100] },
    after: ['eth1 up', uplink('a', 100), bridge('a'), `${tap('1')} down quiet`],
  },
  {
    line: 'a flat and a VLAN network share one interface; the flat one goes and the VLAN one stays',
    before: [makeTap('1'), makeTap('2'), 'address add 10.1.0.5/24 dev eth1'],
    earlier: [{ ports: [port('1', 'a'), port('2', 'b')], networks: [V100, network('b', 'flat physnet1')] }],
    rows: { ports: [active('1', 'a')], networks: [V100] },
    after: ['eth1 up 10.1.0.5', uplink('a', 100), bridge('a'), wired('1', 'a'), `${tap('2')} up quiet`],
  },
  {
    line: 'an interface with a long name: the subinterface has a hashed one',
    before: [`link add ${LONG} up type veth peer name far2`, 'link set far2 up', makeTap('1')],
    settings: { interfaces: [`physnet1:${LONG}`] },
    rows: { ports: [port('1', 'a')], networks: [V100] },
    after: ['eth1 up', 'far2 up', `${LONG} up`, uplink('a', 100, LONG), bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'an interface that is down is brought up for its VLAN',
    before: ['link set eth1 down', makeTap('1')],
    rows: { ports: [port('1', 'a')], networks: [V100] },
    after: ['eth1 up', uplink('a', 100), bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'the MTU of a VLAN network is set on bridge, subinterface and tap, and not on the interface',
    before: [makeTap('1')],
    rows: { ports: [port('1', 'a')], networks: [{ ...V100, mtu: 1450 }] },
    after: ['eth1 up', ...[uplink('a', 100), bridge('a'), wired('1', 'a')].map((one) => `${one} mtu 1450`)],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'two networks on one VLAN: the one that works keeps it, the other is not wired, both are named',
    before: [makeTap('1'), makeTap('2')],
    earlier: [{ ports: [port('1', 'b')], networks: [network('b', 'vlan physnet1 100')] }],
    rows: {
      ports: [active('1', 'b'), port('2', 'a')],
      networks: [network('b', 'vlan physnet1 100'), V100],
    },
    after: ['eth1 up', uplink('b', 100), bridge('b'), wired('1', 'b'), `${tap('2')} down quiet`],
    warnings: ['SEGMENT_CONFLICT'],
  },
  {
    line: 'an unlabelled, unenslaved subinterface of the right name without addresses is adopted',
    before: [makeVlan(100), makeTap('1')],
    rows: { ports: [port('1', 'a')], networks: [V100] },
    after: ['eth1 up', uplink('a', 100), bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  ...(
    [
      [
        'with an address of the host',
        [makeVlan(100), 'address add 10.9.0.1/24 dev eth1.100'],
        'eth1.100 vlan 100 on eth1 down 10.9.0.1',
      ],
      ['under another name', [makeVlan(100, 'mine')], 'mine vlan 100 on eth1 down'],
      [
        'of another protocol',
        ['link add link eth1 name eth1.100 type vlan protocol 802.1ad id 100'],
        'eth1.100 vlan 100 on eth1 down',
      ],
      ['of another kind', ['tuntap add dev eth1.100 mode tap'], 'eth1.100 down'],
    ] as const
  ).map(([what, before, words]) => ({
    line: `a subinterface ${what} is not the agent’s: not touched, the tap is not wired, reported`,
    before: [...before, makeTap('1')],
    rows: { ports: [port('1', 'a')], networks: [V100] },
    after: ['eth1 up', words, `${tap('1')} down quiet`],
    warnings: ['SUBINTERFACE_FOREIGN' as const],
  })),
  {
    line: 'a subinterface in a foreign bridge is not the agent’s: not touched, reported',
    before: [makeVlan(100), 'link add br0 type bridge', 'link set eth1.100 master br0', makeTap('1')],
    rows: { ports: [port('1', 'a')], networks: [V100] },
    after: ['eth1 up', 'br0 down delay', 'eth1.100 in br0 vlan 100 on eth1 down', `${tap('1')} down quiet`],
    warnings: ['SUBINTERFACE_FOREIGN'],
  },
];

/** VLAN networks that change or go, and drift. */
export const VLAN_CHANGE_CASES: readonly ContractCase[] = [
  {
    ...wiredBefore,
    line: 'a changed VLAN id: the old subinterface is out and deleted, the new one is in, the taps stay',
    rows: { ports: [active('1', 'a')], networks: [network('a', 'vlan physnet1 200')] },
    after: ['eth1 up', uplink('a', 200), bridge('a'), wired('1', 'a')],
  },
  {
    ...wiredBefore,
    line: 'a changed physical network: the subinterface is made on the other interface',
    before: [...ETH2, makeTap('1')],
    settings: TWO_INTERFACES,
    rows: { ports: [active('1', 'a')], networks: [network('a', 'vlan physnet2 100')] },
    after: ['eth1 up', 'eth2 up', 'far2 up', uplink('a', 100, 'eth2'), bridge('a'), wired('1', 'a')],
  },
  {
    ...wiredBefore,
    line: 'a VLAN network that becomes local: the subinterface is deleted, the taps stay',
    rows: { ports: [active('1', 'a')], networks: [network('a', 'local')] },
    after: ['eth1 up', bridge('a'), wired('1', 'a')],
  },
  {
    ...wiredBefore,
    line: 'a VLAN network that becomes flat: the interface itself is in the bridge',
    rows: { ports: [active('1', 'a')], networks: [network('a', 'flat physnet1')] },
    after: [`eth1 in ${brq('a')} up`, flatBridge('a'), wired('1', 'a')],
  },
  {
    ...wiredBefore,
    line: 'a VLAN id that becomes impossible: everything stays, with the status it has',
    rows: { ports: [active('1', 'a')], networks: [network('a', 'bad vlan_id is 4095')] },
    after: ['eth1 up', uplink('a', 100), bridge('a'), wired('1', 'a')],
    warnings: ['VLAN_ID_INVALID'],
  },
  {
    line: 'two networks that swap their VLANs: each has the other’s subinterface, the taps stay',
    before: [makeTap('1'), makeTap('2')],
    earlier: [
      { ports: [port('1', 'a'), port('2', 'b')], networks: [V100, network('b', 'vlan physnet1 200')] },
    ],
    rows: {
      ports: [active('1', 'a'), active('2', 'b')],
      networks: [network('a', 'vlan physnet1 200'), network('b', 'vlan physnet1 100')],
    },
    after: [
      'eth1 up',
      ...[uplink('a', 200), bridge('a'), wired('1', 'a')],
      ...[uplink('b', 100), bridge('b'), wired('2', 'b')],
    ],
  },
  {
    ...wiredBefore,
    line: 'a VLAN network that is gone: its taps leave, subinterface and bridge are deleted',
    rows: {},
    after: ['eth1 up', `${tap('1')} up quiet`],
  },
  {
    ...wiredBefore,
    line: 'a VLAN network that is gone, with the host’s address on its subinterface: reported, nothing is deleted',
    meanwhile: ['address add 10.9.0.1/24 dev eth1.100'],
    rows: {},
    after: ['eth1 up', `${uplink('a', 100)} 10.9.0.1`, bridge('a'), `${tap('1')} up quiet`],
    warnings: ['BRIDGE_NOT_DELETED'],
  },
  {
    line: 'a VLAN device of the host that is the interface of a flat network stays when that is gone, with its addresses',
    before: [makeTap('1'), makeVlan(7), 'link set eth1.7 up', 'address add 10.1.0.5/24 dev eth1.7'],
    settings: { interfaces: ['physnet1:eth1.7'] },
    earlier: [{ ports: [port('1', 'a')], networks: [network('a', 'flat physnet1')] }],
    rows: {},
    after: ['eth1 up', 'eth1.7 vlan 7 on eth1 up 10.1.0.5', `${tap('1')} up quiet`],
  },
  {
    line: 'a labelled subinterface that stands alone is deleted, an unlabelled one is not',
    before: [makeVlan(100), label('eth1.100', 'a'), makeVlan(300)],
    rows: {},
    after: ['eth1 up', 'eth1.300 vlan 300 on eth1 down'],
  },
  {
    ...wiredBefore,
    line: 'the interface of a VLAN network put into a foreign bridge: its subinterface and taps stay; the status is kept; reported',
    meanwhile: ['link add br0 type bridge', 'link set eth1 master br0'],
    rows: { ports: [active('1', 'a')], networks: [V100] },
    after: ['br0 down delay', 'eth1 in br0 up', uplink('a', 100), bridge('a'), wired('1', 'a')],
    warnings: ['PHYSICAL_INTERFACE_ENSLAVED'],
  },
  ...[
    ['taken down', 'link set eth1.100 down'],
    ['taken out of its bridge', 'link set eth1.100 nomaster'],
    ['deleted', 'link del eth1.100'],
    ['deprived of its label', 'link set eth1.100 alias mine'],
  ].map(([what = '', command = '']) => ({
    ...wiredBefore,
    line: `a subinterface ${what} by hand: repaired in the next pass`,
    meanwhile: [command],
    rows: { ports: [active('1', 'a')], networks: [V100] },
    after: ['eth1 up', uplink('a', 100), bridge('a'), wired('1', 'a')],
  })),
];
