import type { ContractCase } from './case.js';
import {
  bridge,
  brq,
  flatBridge,
  idOf,
  makeBridge,
  makeTap,
  makeWired,
  network,
  port,
  tap,
  wired,
} from './names.js';

const FLAT = network('a', 'flat physnet1');
const LOCAL = network('a', 'local');
const BR_EX = [
  'link add br-ex up type bridge',
  'tuntap add dev vnet7 mode tap',
  'link set vnet7 master br-ex',
];

/** What a network with a tap here has: its bridge, its uplink, its addresses, its MTU. */
export const BRIDGE_CASES: readonly ContractCase[] = [
  {
    line: 'a network without a tap here has no bridge',
    before: [],
    rows: { ports: [port('1', 'a')], networks: [FLAT] },
    after: ['eth1 up'],
  },
  {
    line: 'a flat network moves the addresses of its interface to the bridge',
    before: [
      makeTap('1'),
      'address add 10.1.0.5/24 dev eth1',
      'address add 2001:db8::5/64 dev eth1 nodad',
      'route add default via 10.1.0.1 dev eth1',
    ],
    rows: { ports: [port('1', 'a')], networks: [FLAT] },
    after: [`eth1 in ${brq('a')} up`, `${flatBridge('a')} 10.1.0.5 2001:db8::5`, wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'a bridge that the agent before has left with the vxlan device of its network is served by that, and a tap that comes joins it',
    before: [
      `link add ${brq('a')} up type bridge`,
      'link add vxlan-77 type vxlan id 77 dstport 4789 local 127.0.0.1',
      `link set vxlan-77 up master ${brq('a')}`,
      makeTap('1'),
    ],
    rows: { ports: [port('1', 'a')], networks: [network('a', 'vxlan 77')] },
    after: ['eth1 up', `vxlan-77 in ${brq('a')} up`, bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'a mapped interface whose name begins with tap is an uplink and no tap without a row',
    before: [makeTap('1'), 'link add tap0 up type veth peer name far2', 'link set far2 up'],
    settings: { interfaces: ['physnet1:tap0'] },
    rows: { ports: [port('1', 'a')], networks: [FLAT] },
    after: ['eth1 up', 'far2 up', `tap0 in ${brq('a')} up`, flatBridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'flat_address_move = refuse: the interface keeps its addresses, the port is not wired, reported',
    before: [makeTap('1'), 'address add 10.1.0.5/24 dev eth1'],
    settings: { flatAddressMove: 'refuse' },
    rows: { ports: [port('1', 'a', { status: 'ACTIVE' })], networks: [FLAT] },
    after: ['eth1 up 10.1.0.5', `${tap('1')} down quiet`],
    statuses: ['1: ACTIVE -> DOWN'],
    warnings: ['FLAT_ADDRESS_MOVE_REFUSED'],
  },
  {
    line: 'flat_address_move = refuse: an interface without addresses is used',
    before: [makeTap('1')],
    settings: { flatAddressMove: 'refuse' },
    rows: { ports: [port('1', 'a')], networks: [FLAT] },
    after: [`eth1 in ${brq('a')} up`, flatBridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'a leased address moves, and it is reported before and after',
    before: [makeTap('1'), 'address add 10.1.0.5/24 dev eth1 valid_lft 600 preferred_lft 300'],
    earlier: [{ ports: [port('1', 'a')], networks: [FLAT] }],
    rows: { ports: [port('1', 'a', { status: 'ACTIVE' })], networks: [FLAT] },
    after: [`eth1 in ${brq('a')} up`, `${flatBridge('a')} 10.1.0.5`, wired('1', 'a')],
    warnings: ['ADDRESS_LEASED'],
  },
  {
    line: 'an address that is put on the enslaved interface moves to the bridge in the next pass',
    before: [makeTap('1')],
    earlier: [{ ports: [port('1', 'a')], networks: [FLAT] }],
    meanwhile: ['address add 10.1.0.7/24 dev eth1'],
    rows: { ports: [port('1', 'a', { status: 'ACTIVE' })], networks: [FLAT] },
    after: [`eth1 in ${brq('a')} up`, `${flatBridge('a')} 10.1.0.7`, wired('1', 'a')],
  },
  {
    line: 'flat with an entry in bridge_mappings: the taps join that bridge, and nothing else of it changes',
    before: [...BR_EX, makeTap('1'), 'address add 10.9.0.1/24 dev br-ex'],
    settings: { bridges: ['physnet1:br-ex'] },
    rows: { ports: [port('1', 'a')], networks: [FLAT] },
    after: ['eth1 up', 'br-ex up delay 10.9.0.1', 'vnet7 in br-ex down', `${tap('1')} in br-ex up quiet`],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'a bridge of bridge_mappings whose network is gone: the known tap leaves, the bridge stays',
    before: [...BR_EX, makeTap('1')],
    settings: { bridges: ['physnet1:br-ex'] },
    earlier: [{ ports: [port('1', 'a')], networks: [FLAT] }],
    rows: {},
    after: ['eth1 up', 'br-ex up delay', 'vnet7 in br-ex down', `${tap('1')} up quiet`],
  },
  {
    line: 'a missing bridge of bridge_mappings: the tap is not wired, reported',
    before: [makeTap('1')],
    settings: { bridges: ['physnet1:br-ex'] },
    rows: { ports: [port('1', 'a')], networks: [FLAT] },
    after: ['eth1 up', `${tap('1')} down quiet`],
    warnings: ['BRIDGE_MAPPING_MISSING'],
  },
  {
    line: 'the MTU of the network is set on bridge and tap; a network without one leaves them as they are',
    before: [makeTap('1'), makeTap('2'), `link set ${tap('2')} mtu 1400`],
    rows: {
      ports: [port('1', 'a'), port('2', 'b')],
      networks: [{ ...LOCAL, mtu: 1450 }, network('b', 'local')],
    },
    after: [
      'eth1 up',
      `${bridge('a')} mtu 1450`,
      `${wired('1', 'a')} mtu 1450`,
      `${bridge('b')} mtu 1400`,
      `${wired('2', 'b')} mtu 1400`,
    ],
    statuses: ['1: DOWN -> ACTIVE', '2: DOWN -> ACTIVE'],
  },
  {
    line: 'an MTU that is too little for IPv6 takes no address of the host away from its flat bridge',
    before: [makeTap('1'), 'address add 2001:db8::5/64 dev eth1 nodad'],
    earlier: [{ ports: [port('1', 'a')], networks: [FLAT] }],
    rows: { ports: [port('1', 'a', { status: 'ACTIVE' })], networks: [{ ...FLAT, mtu: 100 }] },
    after: [
      `eth1 in ${brq('a')} up`,
      `${flatBridge('a')} mtu 1280 2001:db8::5`,
      `${tap('1')} in ${brq('a')} up mtu 100`,
    ],
  },
  {
    line: 'an MTU that no tap takes keeps no tap from its bridge',
    before: [makeTap('1')],
    rows: { ports: [port('1', 'a')], networks: [{ ...LOCAL, mtu: 65_522 }] },
    after: ['eth1 up', bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'an unlabelled bridge of exactly the form is adopted: labelled, STP off, forward delay 0, quiet',
    before: [`link add ${brq('a')} type bridge stp_state 1`, makeTap('1')],
    rows: { ports: [port('1', 'a')], networks: [LOCAL] },
    after: ['eth1 up', bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
];

/** Drift of what is the agent's is repaired in the next pass. */
export const DRIFT_CASES: readonly ContractCase[] = [
  ['the bridge taken down', `link set ${brq('a')} down`],
  ['STP turned on', `link set ${brq('a')} type bridge stp_state 1`],
  ['a forward delay set', `link set ${brq('a')} type bridge forward_delay 1500`],
  ['the label taken off', `link set ${brq('a')} alias mine`],
  ['the uplink taken out', 'link set eth1 nomaster'],
  ['the uplink taken down', 'link set eth1 down'],
  ['the tap taken out', `link set ${tap('1')} nomaster`],
  ['the tap taken down', `link set ${tap('1')} down`],
  ['the bridge deleted', `link del ${brq('a')}`],
].map(([what = '', command = '']) => ({
  line: `${what} by hand: repaired in the next pass`,
  before: [makeTap('1')],
  earlier: [{ ports: [port('1', 'a')], networks: [FLAT] }],
  meanwhile: [command],
  rows: { ports: [port('1', 'a', { status: 'ACTIVE' })], networks: [FLAT] },
  after: [`eth1 in ${brq('a')} up`, flatBridge('a'), wired('1', 'a')],
}));

/** What is not the agent's is never changed. */
export const FOREIGN_CASES: readonly ContractCase[] = [
  {
    line: 'a bridge that is neither labelled nor of exactly the form, with all that is in it, stays as it is',
    before: [
      'link add brqfoo up type bridge',
      'address add 10.9.0.1/24 dev brqfoo',
      'tuntap add dev tapzzz mode tap',
      'link set tapzzz master brqfoo',
      'link add eth2 type veth peer name far2',
      'link set eth2 master brqfoo',
    ],
    rows: {},
    after: [
      'eth1 up',
      'brqfoo up delay 10.9.0.1',
      'tapzzz in brqfoo down',
      'eth2 in brqfoo down',
      'far2 down',
    ],
  },
  {
    line: 'a link of another kind with the bridge’s name is not touched, the tap is not wired, reported',
    before: [`tuntap add dev ${brq('a')} mode tap`, makeTap('1')],
    rows: { ports: [port('1', 'a')], networks: [LOCAL] },
    after: ['eth1 up', `${brq('a')} down`, `${tap('1')} down quiet`],
    warnings: ['BRIDGE_FOREIGN'],
  },
  {
    line: 'a tap of a port in a foreign bridge stays there, reported',
    before: ['link add br0 type bridge', makeTap('1'), `link set ${tap('1')} master br0`],
    rows: { ports: [port('1', 'a')], networks: [LOCAL] },
    after: ['eth1 up', 'br0 down delay', `${tap('1')} in br0 down`],
    warnings: ['TAP_IN_FOREIGN_BRIDGE'],
  },
  {
    line: 'a bridge labelled for another network of the same prefix is not taken, reported',
    before: [
      `link add ${brq('a')} up type bridge stp_state 0 forward_delay 0`,
      `link set ${brq('a')} alias quantum-linuxbridge-agent:${idOf('a').slice(0, 11)}other`,
      makeTap('1'),
    ],
    rows: {
      ports: [port('1', 'a')],
      networks: [LOCAL, { id: `${idOf('a').slice(0, 11)}other`, segments: ['local'] }],
    },
    after: ['eth1 up', bridge('a'), `${tap('1')} down quiet`],
    warnings: ['NETWORK_PREFIX_CONFLICT'],
  },
  {
    line: 'two flat networks on one interface: the one that works keeps it, the other is not wired, both are named',
    before: [makeTap('1'), makeTap('2')],
    earlier: [{ ports: [port('1', 'b')], networks: [network('b', 'flat physnet1')] }],
    rows: {
      ports: [port('1', 'b', { status: 'ACTIVE' }), port('2', 'a')],
      networks: [network('b', 'flat physnet1'), FLAT],
    },
    after: [`eth1 in ${brq('b')} up`, flatBridge('b'), wired('1', 'b'), `${tap('2')} down quiet`],
    warnings: ['SEGMENT_CONFLICT'],
  },
];

/** What the guard holds stays as it is, and everything else goes ahead. */
export const GUARD_CASES: readonly ContractCase[] = [
  {
    line: 'two of two taps whose rows are missing are held; a new tap is wired all the same',
    before: [...makeBridge('a'), ...makeWired('1', 'a'), ...makeWired('2', 'a'), makeTap('3')],
    isGuarded: true,
    rows: { ports: [port('3', 'b')], networks: [LOCAL, network('b', 'local')] },
    after: [
      'eth1 up',
      ...['1', '2'].map((digit) => `${tap(digit)} in ${brq('a')} up`),
      bridge('a'),
      bridge('b'),
      wired('3', 'b'),
    ],
    statuses: ['3: DOWN -> ACTIVE'],
    warnings: ['REMOVALS_HELD'],
  },
  {
    line: 'removals of a host whose database is wholly empty are held',
    before: [...makeBridge('a'), ...makeWired('1', 'a'), ...makeWired('2', 'a')],
    isGuarded: true,
    rows: { emptyTables: ['ports', 'network_bindings'] },
    after: [
      'eth1 up',
      ...['1', '2'].map((digit) => `${tap(digit)} in ${brq('a')} up`),
      `${brq('a')} up for a`,
    ],
    warnings: ['REMOVALS_HELD'],
  },
];
