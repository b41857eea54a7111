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

const LOCAL = network('a', 'local');
/** Another port of the same id prefix. */
const TWIN = `${idOf('1').slice(0, 11)}ffffffff-ffff-4fff-8fff`;
const unwired = (digit: string): string => `${tap(digit)} down`;

/** The table of the contract: what the database says of a tap's port, and what the host gets. */
export const TAP_CASES: readonly ContractCase[] = [
  {
    line: 'a port that is up on a local network: its tap is in the bridge, up; status ACTIVE',
    before: [makeTap('1')],
    rows: { ports: [port('1', 'a')], networks: [LOCAL] },
    after: ['eth1 up', bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'a port that is up on a flat network: tap and physical interface are in the bridge; status ACTIVE',
    before: [makeTap('1')],
    rows: { ports: [port('1', 'a')], networks: [network('a', 'flat physnet1')] },
    after: [`eth1 in ${brq('a')} up`, flatBridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'a port that is ACTIVE already is wired, and no status is written',
    before: [makeTap('1')],
    rows: { ports: [port('1', 'a', { status: 'ACTIVE' })], networks: [LOCAL] },
    after: ['eth1 up', bridge('a'), wired('1', 'a')],
  },
  {
    line: 'a veth whose name begins with tap is a tap',
    before: [`link add ${tap('1')} type veth peer name inside`],
    rows: { ports: [port('1', 'a')], networks: [LOCAL] },
    after: ['eth1 up', 'inside down', bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'a gw- device is a tap in the oldest generation',
    before: ['tuntap add dev gw-11111111-11 mode tap'],
    rows: {
      generation: 'essex',
      ports: [port('1', 'a', { interfaceId: 'gw-11111111-11', device: 'gw-11111111-11' })],
      networks: [LOCAL],
    },
    after: ['eth1 up', bridge('a'), `gw-11111111-11 in ${brq('a')} up quiet`],
    statuses: ['1: DOWN -> UP'],
  },
  {
    line: 'a compute port within plug_grace: bridge and uplink are there at once, the tap is left to libvirt',
    before: [makeTap('1')],
    rows: { ports: [port('1', 'a', { compute: true })], networks: [network('a', 'flat physnet1')] },
    after: [`eth1 in ${brq('a')} up`, flatBridge('a'), `${tap('1')} down quiet`],
  },
  {
    line: 'a compute port without a master after plug_grace: its tap is wired',
    before: [makeTap('1')],
    settings: { plugGraceMs: 0 },
    rows: { ports: [port('1', 'a', { compute: true })], networks: [LOCAL] },
    after: ['eth1 up', bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'a compute port that libvirt has plugged: status ACTIVE',
    before: [...makeBridge('a'), ...makeWired('1', 'a')],
    rows: { ports: [port('1', 'a', { compute: true })], networks: [LOCAL] },
    after: ['eth1 up', bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'a port that is admin down: its tap is in no bridge; status DOWN',
    before: [...makeBridge('a'), ...makeWired('1', 'a')],
    rows: { ports: [port('1', 'a', { adminUp: false, status: 'ACTIVE' })], networks: [LOCAL] },
    after: ['eth1 up', bridge('a'), `${tap('1')} up quiet`],
    statuses: ['1: ACTIVE -> DOWN'],
  },
  {
    line: 'no such port: its tap is in no bridge, and one outside stays as it is',
    before: [...makeBridge('a'), ...makeWired('1', 'a'), makeTap('2')],
    rows: { networks: [LOCAL] },
    after: ['eth1 up', bridge('a'), `${tap('1')} up quiet`, unwired('2')],
  },
  {
    line: 'a port bound to another host: left alone where it is, reported, no status written',
    before: [...makeBridge('a'), ...makeWired('1', 'a'), makeTap('2')],
    rows: {
      ports: ['1', '2'].map((digit) => port(digit, 'a', { binding: 'elsewhere node-2', status: 'ACTIVE' })),
      networks: [LOCAL],
    },
    after: ['eth1 up', bridge('a'), `${tap('1')} in ${brq('a')} up`, unwired('2')],
    warnings: ['PORT_BOUND_ELSEWHERE'],
  },
  {
    line: 'a port of a service (network:…) that is bound to another host: wired, no status written',
    before: [makeTap('1')],
    rows: { ports: [port('1', 'a', { binding: 'standby node-2' })], networks: [LOCAL] },
    after: ['eth1 up', bridge('a'), wired('1', 'a')],
  },
  {
    line: 'a port without a host row: as if bound here',
    before: [makeTap('1')],
    rows: { ports: [port('1', 'a', { binding: 'unhosted' })], networks: [LOCAL] },
    after: ['eth1 up', bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'a port of another driver: not wired; one that is wired already is left alone; reported',
    before: [...makeBridge('a'), ...makeWired('1', 'a'), makeTap('2')],
    rows: {
      ports: ['1', '2'].map((digit) => port(digit, 'a', { binding: 'other-driver binding_failed' })),
      networks: [LOCAL],
    },
    after: ['eth1 up', bridge('a'), `${tap('1')} in ${brq('a')} up`, unwired('2')],
    warnings: ['PORT_BINDING_FAILED'],
  },
  {
    line: 'an INACTIVE binding for this host: wired, no status written',
    before: [makeTap('1')],
    rows: { ports: [port('1', 'a', { binding: 'arriving' })], networks: [LOCAL] },
    after: ['eth1 up', bridge('a'), wired('1', 'a')],
  },
  {
    line: 'two ports with one prefix: the one that is bound here',
    before: [makeTap('1')],
    rows: {
      ports: [port('1', 'a'), { ...port('1', 'b', { binding: 'elsewhere node-2' }), id: TWIN }],
      networks: [LOCAL, network('b', 'local')],
    },
    after: ['eth1 up', bridge('a'), wired('1', 'a')],
    statuses: ['1: DOWN -> ACTIVE'],
  },
  {
    line: 'two ports with one prefix that nothing tells apart: left alone, reported',
    before: [makeTap('1')],
    rows: {
      ports: [port('1', 'a'), { ...port('1', 'b'), id: TWIN }],
      networks: [LOCAL, network('b', 'local')],
    },
    after: ['eth1 up', unwired('1')],
    warnings: ['PORT_AMBIGUOUS'],
  },
  {
    line: 'a tap that went away: status DOWN, where it was ACTIVE',
    before: [makeTap('1'), makeTap('2')],
    earlier: [{ ports: [port('1', 'a'), port('2', 'a')], networks: [LOCAL] }],
    meanwhile: [`link del ${tap('1')}`],
    rows: {
      ports: [port('1', 'a', { status: 'ACTIVE' }), port('2', 'a', { status: 'ACTIVE' })],
      networks: [LOCAL],
    },
    after: ['eth1 up', bridge('a'), wired('2', 'a')],
    statuses: ['1: ACTIVE -> DOWN'],
  },
  {
    line: 'a tap whose name is a whole short id is wired, one that only begins like it is not',
    before: ['tuntap add dev tapabc mode tap', 'tuntap add dev tapab mode tap'],
    rows: { ports: [{ id: 'abc', network: idOf('a') }], networks: [LOCAL] },
    after: ['eth1 up', bridge('a'), `tapabc in ${brq('a')} up quiet`, 'tapab down'],
    statuses: ['a: DOWN -> ACTIVE'],
  },
];
