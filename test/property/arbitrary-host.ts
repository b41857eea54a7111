import fc from 'fast-check';
import { type LinkWords, LOCAL } from '../support/simulated/host-builder.js';
import { BRIDGES, NETWORKS, TAPS } from './names.js';

type Value<A> = A extends fc.Arbitrary<infer T> ? T : never;

/** How a bridge of one of the networks may be found. */
const bridgeWords = fc.record({
  present: fc.boolean(),
  mark: fc.constantFrom('label', 'label', 'label', 'none'),
  mac: fc.constantFrom('given', 'eth1', 'eth2', 'eth3', 'own'),
  down: fc.boolean(),
  stp: fc.boolean(),
  ipv6: fc.constantFrom('disabled', 'enabled'),
  address: fc.constantFrom('none', 'none', 'inet', 'inet6'),
});

const where = fc.constantFrom('nowhere', 'nowhere', 'nowhere', 'br0', 'br-ex', 'brqfoo', ...BRIDGES);

const physicalWords = fc.record({
  present: fc.constantFrom(false, true, true, true),
  down: fc.boolean(),
  master: where,
  addresses: fc.subarray(['inet', 'inet6'] as const),
});

const vlanWords = fc.record({
  parent: fc.constantFrom('eth1', 'eth2'),
  vlan: fc.constantFrom(100, 200, 300),
  master: where,
  label: fc.constantFrom(null, null, ...NETWORKS),
  isNamedRight: fc.constantFrom(true, true, true, false),
  hasAddress: fc.constantFrom(false, false, false, false, true),
});

const tunnelWords = fc.record({
  vni: fc.constantFrom(77, 78, 79),
  master: where,
  label: fc.constantFrom(null, null, ...NETWORKS),
  isNamedRight: fc.constantFrom(true, true, true, false),
  hasAddress: fc.constantFrom(false, false, false, false, true),
  down: fc.boolean(),
  tunnel: fc.constantFrom({}, {}, { learning: false }, { local: null }, { proxy: true }, { port: 4789 }),
  entries: fc.subarray(['192.0.2.1', '192.0.2.2', '192.0.2.9', '224.0.0.1', 'fa:16:3e:00:00:01 192.0.2.2']),
});

const tapWords = fc.record({
  present: fc.constantFrom(false, true, true),
  master: where,
  down: fc.boolean(),
  ipv6: fc.constantFrom('disabled', 'enabled'),
});

const shape = fc.record({
  bridges: fc.tuple(...BRIDGES.map(() => bridgeWords)),
  physical: fc.tuple(physicalWords, physicalWords, physicalWords),
  vlans: fc.uniqueArray(vlanWords, { maxLength: 4, selector: ({ parent, vlan }) => `${parent}.${vlan}` }),
  tunnels: fc.uniqueArray(tunnelWords, { maxLength: 3, selector: ({ vni }) => vni }),
  taps: fc.tuple(...TAPS.map(() => tapWords)),
  foreign: fc.record({ vnet0: where, tapzzz: where, veth9: where, hasMappedBridge: fc.boolean() }),
});

/** Any host that could be found: agents' bridges with and without labels, strays, foreign devices, half-done work. */
export const arbitraryHost: fc.Arbitrary<LinkWords[]> = shape.map(describe);

function describe({ bridges, physical, vlans, tunnels, taps, foreign }: Value<typeof shape>): LinkWords[] {
  const words: LinkWords[] = [
    { name: 'br0', addresses: ['10.99.0.1/24'], ipv6: 'enabled' },
    { name: 'brqfoo', addresses: ['10.98.0.1/24'] },
    ...(foreign.hasMappedBridge ? [{ name: 'br-ex', addresses: ['10.97.0.1/24'] }] : []),
    ...bridges.flatMap((one, at) => (one.present ? [describeBridge(one, at)] : [])),
  ];
  const bridgeNames = new Set(words.map(({ name }) => name));
  const inside = (name: string) => (bridgeNames.has(name) ? { master: name } : {});
  const interfaces = physical.flatMap((one, at) =>
    one.present ? [{ ...describePhysical(one, at), ...inside(one.master) }] : [],
  );
  const names = new Set(interfaces.map(({ name }) => name));
  return [
    ...words,
    ...interfaces,
    ...vlans
      .filter(({ parent }) => names.has(parent))
      .map((one, at) => ({ ...describeVlan(one, at), ...inside(one.master) })),
    { name: 'eth9', addresses: [`${LOCAL}/24`] },
    ...tunnels.map((one, at) => ({ ...describeTunnel(one, at), ...inside(one.master) })),
    ...taps.flatMap((one, at) =>
      one.present ? [{ name: TAPS[at] ?? '', ...downOnly(one), ipv6: one.ipv6, ...inside(one.master) }] : [],
    ),
    { name: 'vnet0', kind: 'tap', ...inside(foreign.vnet0) },
    { name: 'tapzzz', ...inside(foreign.tapzzz) },
    { name: 'veth9', kind: 'veth', ...inside(foreign.veth9) },
  ];
}

const downOnly = ({ down }: { down: boolean }): Pick<LinkWords, 'up'> => (down ? { up: false } : {});

const MACS = { eth1: '52:54:00:e0:00:01', eth2: '52:54:00:e0:00:02', eth3: '52:54:00:e0:00:03' } as const;

function describeBridge(one: Value<typeof bridgeWords>, at: number): LinkWords {
  const name = BRIDGES[at] ?? '';
  const label = NETWORKS.find((id) => name === `brq${id.slice(0, 11)}`) ?? '';
  const mac = one.mac === 'given' || one.mac === 'own' ? undefined : MACS[one.mac];
  const address = { none: [], inet: [`10.5${at}.0.1/24`], inet6: [`2001:db8:5${at}::1/64`] }[one.address];
  return {
    name,
    ...(one.mark === 'label' ? { label } : {}),
    ...(mac === undefined ? {} : { mac }),
    ...downOnly(one),
    ...(one.stp ? { stp: true } : {}),
    ipv6: one.address === 'inet6' ? 'enabled' : one.ipv6,
    addresses: address,
    routes: one.address === 'inet' ? [`192.168.5${at}.0/24 via 10.5${at}.0.9`] : [],
  };
}

function describePhysical(one: Value<typeof physicalWords>, at: number): LinkWords {
  const name = (['eth1', 'eth2', 'eth3'] as const)[at] ?? 'eth3';
  const texts = { inet: `10.${at}.0.5/24`, inet6: `2001:db8:${at}::5/64` };
  return {
    name,
    mac: MACS[name],
    ...downOnly(one),
    addresses: one.addresses.map((family) => texts[family]),
    routes: one.addresses.includes('inet') ? [`default via 10.${at}.0.1`] : [],
  };
}

const describeVlan = (one: Value<typeof vlanWords>, at: number): LinkWords => ({
  name: one.isNamedRight ? `${one.parent}.${one.vlan}` : `lan${at}`,
  kind: 'vlan',
  parent: one.parent,
  vlan: one.vlan,
  ...(one.label === null ? {} : { label: one.label }),
  up: false,
  ...(one.hasAddress ? { addresses: [`10.8${at}.0.1/24`] } : {}),
});

const describeTunnel = (one: Value<typeof tunnelWords>, at: number): LinkWords => ({
  name: one.isNamedRight ? `vxlan-${one.vni}` : `vtep${at}`,
  kind: 'vxlan',
  vni: one.vni,
  tunnel: one.tunnel,
  entries: one.entries,
  ...(one.label === null ? {} : { label: one.label }),
  ...downOnly(one),
  ...(one.hasAddress ? { addresses: [`10.9${at}.0.1/24`] } : {}),
});
