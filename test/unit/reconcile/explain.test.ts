import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkId, type TunnelSettings, type Warning } from '../../../src/model/index.js';
import { viewOf } from '../../../src/reconcile/see/view.js';
import type { ChainLink } from '../../../src/reconcile/tell/chain.js';
import { explain } from '../../../src/reconcile/tell/explain.js';
import { explainedTunnel } from '../../../src/reconcile/tell/explain-tunnel.js';
import { networkNotes } from '../../../src/reconcile/tell/notes.js';
import { overviewOf } from '../../../src/reconcile/tell/overview.js';
import { type Subject, subjectsOf } from '../../../src/reconcile/tell/subject.js';
import { buildLinks, buildSettings, type LinkWords } from '../../support/simulated/host-builder.js';
import { simulateKernel } from '../../support/simulated/kernel.js';
import { runOnce } from '../../support/simulated/pass-runner.js';
import { type AnswerWords, buildAnswer } from '../../support/simulated/row-builder.js';

const PORT = '11111111-1111-4222-8333-444455556666';
const NETWORK = 'aaaaaaaa-1111-4222-8333-444455556666';
const TAP = 'tap11111111-11';
const BRIDGE = 'brqaaaaaaaa-11';

const VLAN: AnswerWords = {
  ports: [{ id: PORT, network: NETWORK }],
  networks: [{ id: NETWORK, segments: ['vlan physnet1 100'] }],
};
const WIRED: readonly LinkWords[] = [
  { name: 'eth1' },
  { name: BRIDGE, label: NETWORK },
  { name: 'eth1.100', parent: 'eth1', vlan: 100, label: NETWORK, master: BRIDGE },
  { name: TAP, master: BRIDGE },
];

/** What can be found under this name on this host, without anything being changed. */
function look(
  links: readonly LinkWords[],
  rows: AnswerWords,
  what: string,
  tunnels: Partial<TunnelSettings> | null = null,
) {
  const kernel = simulateKernel(buildLinks(links));
  const settings = buildSettings({ tunnels });
  const answer = buildAnswer(rows);
  const planned = runOnce(kernel, settings, answer, { apply: false });
  const view = viewOf(kernel.observe(), settings);
  const subjects = subjectsOf(what, view, answer);
  const chain = (subject: Subject): ChainLink[] => {
    const network = subject.kind === 'port' ? subject.port?.networkId : subject.id;
    const tunnel = network === undefined ? null : explainedTunnel(network, planned, null);
    return explain(subject, { ...planned, view, answer, settings, tunnel });
  };
  return { subjects, chain, overview: overviewOf(view, planned) };
}

function explained(
  links: readonly LinkWords[],
  rows: AnswerWords,
  what = PORT,
  tunnels: Partial<TunnelSettings> | null = null,
): ChainLink[] {
  const { subjects, chain } = look(links, rows, what, tunnels);
  const [only, more] = subjects;
  assert.ok(only !== undefined && more === undefined, `${subjects.length} subjects`);
  return chain(only);
}

const broken = (chain: readonly ChainLink[]): string | undefined => chain.find(({ holds }) => !holds)?.name;
const at = (chain: readonly ChainLink[], name: string): ChainLink | undefined =>
  chain.find((link) => link.name === name);

test('the chain of a wired port on a VLAN goes through mapping, interface and subinterface', () => {
  const chain = explained(WIRED, VLAN);
  assert.deepEqual(
    chain.map(({ name }) => name),
    ['row', 'admin state', 'host', 'binding', 'mapping', 'interface', 'subinterface', 'bridge', 'tap'],
  );
  assert.equal(broken(chain), undefined);
});

test('a VLAN that another device holds is a broken subinterface with its remedy', () => {
  const chain = explained(
    [
      { name: 'eth1' },
      { name: 'eth1.100', parent: 'eth1', vlan: 100, addresses: ['192.0.2.1/24'] },
      { name: TAP },
    ],
    VLAN,
  );
  assert.equal(broken(chain), 'subinterface');
  assert.equal(at(chain, 'subinterface')?.code, 'SUBINTERFACE_FOREIGN');
});

test('an interface that is gone is the broken link, and what lies behind it has no remedy of its own', () => {
  const chain = explained([{ name: TAP }], VLAN);
  assert.equal(broken(chain), 'interface');
  assert.equal(at(chain, 'interface')?.code, 'PHYSICAL_INTERFACE_MISSING');
  assert.equal(at(chain, 'tap')?.remedy, null);
});

test('a foreign bridge of the network’s name is a broken bridge', () => {
  const rows: AnswerWords = {
    ports: [{ id: PORT, network: 'n1' }],
    networks: [{ id: 'n1', segments: ['local'] }],
  };
  const chain = explained([{ name: 'brqn1', kind: 'veth' }, { name: TAP }], rows);
  assert.deepEqual([broken(chain), at(chain, 'bridge')?.code], ['bridge', 'BRIDGE_FOREIGN']);
});

test('a port that is bound to another host or by another driver is broken there', () => {
  for (const [binding, code] of [
    ['elsewhere node-2', 'PORT_BOUND_ELSEWHERE'],
    ['other-driver ovs', 'PORT_OTHER_DRIVER'],
    ['other-driver unbound', 'PORT_UNBOUND'],
    ['other-driver binding_failed', 'PORT_BINDING_FAILED'],
  ] as const) {
    const chain = explained(WIRED, { ...VLAN, ports: [{ id: PORT, network: NETWORK, binding }] });
    assert.deepEqual([broken(chain), at(chain, 'host')?.code], ['host', code]);
  }
});

test('a tap that two ports may mean has its row as the broken link', () => {
  const twin = `${PORT.slice(0, 11)}11-4222-8333-444455550000`;
  const rows: AnswerWords = { ...VLAN, ports: [...(VLAN.ports ?? []), { id: twin, network: NETWORK }] };
  for (const what of [TAP, PORT, twin]) {
    const chain = explained(WIRED, rows, what);
    assert.deepEqual([broken(chain), at(chain, 'row')?.code], ['row', 'PORT_AMBIGUOUS'], what);
  }
});

test('an exact name wins over names that begin with it, and a beginning may mean several things', () => {
  const rows: AnswerWords = {
    ports: [
      { id: 'p1', network: NETWORK },
      { id: 'p12', network: NETWORK },
    ],
    networks: VLAN.networks ?? [],
  };
  const links: readonly LinkWords[] = [{ name: 'eth1' }, { name: 'tapp1' }, { name: 'tapp12' }];
  assert.deepEqual(
    look(links, rows, 'p1').subjects.map(({ name }) => name),
    ['p1'],
  );
  assert.deepEqual(
    look(links, rows, 'tapp').subjects.map(({ name }) => name),
    ['p1', 'p12'],
  );
  assert.deepEqual(look(links, rows, 'x').subjects, []);
});

test('the overview tells the state of a tap for each decision there is', () => {
  const rows: AnswerWords = {
    ports: [
      { id: 'wired', network: NETWORK },
      { id: 'down', network: NETWORK, adminUp: false },
      { id: 'far', network: NETWORK, binding: 'elsewhere node-2' },
      { id: 'bad', network: 'n2' },
    ],
    networks: [...(VLAN.networks ?? []), { id: 'n2', segments: ['vxlan'] }],
  };
  const taps = ['wired', 'down', 'far', 'bad', 'strange'].map(
    (id): LinkWords => ({
      name: `tap${id}`,
      ...(id === 'wired' ? { master: BRIDGE } : {}),
    }),
  );
  const { overview } = look([...WIRED.slice(0, 3), ...taps], rows, 'wired');
  assert.deepEqual(
    overview.taps.map(({ tap, state }) => [tap, state]),
    [
      ['tapwired', 'wired'],
      ['tapdown', 'down'],
      ['tapfar', 'left-alone'],
      ['tapbad', 'blocked'],
      ['tapstrange', 'no-row'],
    ],
  );
  assert.deepEqual(
    overview.networks.map(({ id, segment, uplink, state }) => ({ id, segment, uplink, state })),
    [
      { id: NETWORK, segment: 'VLAN 100 on eth1', uplink: 'eth1.100', state: 'served' },
      { id: 'n2', segment: null, uplink: null, state: 'blocked' },
    ],
  );
});

test('an interface that is mapped by another name of it holds in the chain', () => {
  const [eth1, ...others] = WIRED;
  assert.ok(eth1 !== undefined);
  const renamed = { ...eth1, name: 'lan1', altNames: ['eth1'] };
  const chain = explained(
    [renamed, ...others.map((link) => (link.parent === undefined ? link : { ...link, parent: 'lan1' }))],
    VLAN,
  );
  assert.equal(broken(chain), undefined);
});

const TUNNELLED: AnswerWords = {
  ports: [{ id: PORT, network: NETWORK }],
  networks: [{ id: NETWORK, segments: ['vxlan 77'], mtu: 1450 }],
  hosts: { [NETWORK]: { 'node-1': '192.0.2.1', 'node-2': '192.0.2.2' } },
};
const TUNNEL_LINKS: readonly LinkWords[] = [
  { name: 'eth1', addresses: ['192.0.2.1/24'] },
  { name: BRIDGE, label: NETWORK, mtu: 1450 },
  {
    name: 'vxlan-77',
    kind: 'vxlan',
    vni: 77,
    label: NETWORK,
    master: BRIDGE,
    mtu: 1450,
    ipv6: 'disabled',
    entries: ['192.0.2.2'],
  },
  { name: TAP, master: BRIDGE, mtu: 1450 },
];

test('the chain of a port behind a tunnel has the tunnel, with VNI, address and how many endpoints, before its bridge', () => {
  const chain = explained(TUNNEL_LINKS, TUNNELLED, PORT, {});
  assert.deepEqual(
    chain.map(({ name }) => name),
    ['row', 'admin state', 'host', 'binding', 'tunnel', 'bridge', 'tap'],
  );
  assert.equal(broken(chain), undefined);
  assert.equal(at(chain, 'tunnel')?.text, 'vxlan-77 is there and up: VNI 77 from 192.0.2.1 to 1 endpoint');
});

for (const [what, links, rows, settings, text] of [
  [
    'is not there',
    TUNNEL_LINKS.filter(({ name }) => name !== 'vxlan-77'),
    TUNNELLED,
    {},
    /^vxlan-77 is not there$/,
  ],
  [
    'is down',
    TUNNEL_LINKS.map((link) => (link.name === 'vxlan-77' ? { ...link, up: false } : link)),
    TUNNELLED,
    {},
    /^vxlan-77 is there and down/,
  ],
  [
    'lacks an entry',
    TUNNEL_LINKS,
    { ...TUNNELLED, hosts: { [NETWORK]: { 'node-2': '192.0.2.2', 'node-3': '192.0.2.3' } } },
    {},
    /to 2 endpoints \(1 not written yet\)/,
  ],
  ['has no address', TUNNEL_LINKS, TUNNELLED, { local: '198.51.100.1' }, /local_ip 198\.51\.100\.1 is on no/],
  [
    'has the name of another device',
    TUNNEL_LINKS.map((link) =>
      link.name === 'vxlan-77' ? { name: 'vxlan-77', kind: 'veth' as const } : link,
    ),
    TUNNELLED,
    {},
    /has its name and is no VXLAN device/,
  ],
] as const)
  test(`a tunnel that ${what} is the broken link`, () => {
    const chain = explained(links, rows, NETWORK, settings);
    assert.equal(broken(chain), 'tunnel');
    assert.match(at(chain, 'tunnel')?.text ?? '', text);
  });

test('a network of type vxlan with no tap here says so in its chain, without endpoints', () => {
  const { ports: _, ...rows } = TUNNELLED;
  const chain = explained(TUNNEL_LINKS.slice(0, 3), rows, NETWORK, {});
  assert.match(at(chain, 'tunnel')?.text ?? '', /no tap of this network is here/);
});

test('what a network lacks that is served is noted once for each code, with the remedy', () => {
  const told = (host: string): Warning => ({
    code: 'VTEP_UNKNOWN',
    message: `nobody knows ${host}`,
    network: networkId(NETWORK),
  });
  const other: Warning = { code: 'VTEP_UNKNOWN', message: 'elsewhere', network: networkId('n2') };
  const notes = networkNotes(networkId(NETWORK), [told('node-2'), told('node-3'), other]);
  assert.deepEqual(
    notes.map(({ text }) => text),
    ['nobody knows node-2; and 1 more such'],
  );
  assert.match(String(notes[0]?.remedy), /local_ip/);
});
