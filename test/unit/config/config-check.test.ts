import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configCheck, type Finding, type Probes } from '../../../src/commands/config-check.js';
import type { HostFacts } from '../../../src/kernel/facts.js';
import { DatabaseError, type DatabaseErrorKind } from '../../../src/model/database.js';
import { ifIndex, linkName, networkId } from '../../../src/model/ids.js';
import { KernelError } from '../../../src/model/kernel.js';
import type { HostState, Link, LinkDetail } from '../../../src/model/link.js';
import { labelOf } from '../../../src/model/names.js';
import { DATABASE, loaded, recorder } from './support.js';

const BRIDGE: LinkDetail = { kind: 'bridge', stp: false, forwardDelayMs: 0, vlanFiltering: false };
const PHYSICAL: LinkDetail = { kind: 'other', type: '' };

interface Sketch {
  readonly name: string;
  readonly detail?: LinkDetail;
  readonly master?: string;
  readonly alias?: string;
  readonly altNames?: readonly string[];
}

/** A host with the loopback and the sketched links. */
function host(...sketches: readonly Sketch[]): HostState {
  const all: readonly Sketch[] = [{ name: 'lo' }, ...sketches];
  const indexOf = (name: string) => ifIndex(all.findIndex((sketch) => sketch.name === name) + 1);
  const links = all.map(
    ({ name, detail = PHYSICAL, master, alias = '', altNames = [] }): Link => ({
      index: indexOf(name),
      name: linkName(name),
      up: true,
      mac: '02:00:00:00:00:01',
      mtu: 1500,
      master: master === undefined ? null : indexOf(master),
      alias,
      altNames,
      detail,
      group: 0,
      ipv4: null,
      ipv6: null,
      addresses: [],
    }),
  );
  return {
    version: 1,
    links: new Map(links.map((link) => [link.index, link])),
    byName: new Map(links.map((link) => [link.name, link])),
    changes: null,
    tapFilter: { kind: 'absent' },
    forwarding: new Map(),
  };
}

/** A host with nothing to note. */
const FACTS: HostFacts = {
  ipv6: 'writable',
  bridgeNetfilter: null,
  vlanFiltering: true,
  otherAgents: [],
  vifPluggingIsFatal: null,
  udpPorts: new Set(),
  managersOf: () => [],
};

const probesOf = (probes: Partial<Probes>): Probes => ({
  links: () => host({ name: 'eth1' }, { name: 'br-ext', detail: BRIDGE }),
  netAdmin: () => true,
  isReadableByAll: () => false,
  host: () => ({ facts: FACTS, vlans: true, neutronChains: [] }),
  database: async () => ({ generation: 'folsom', mtus: [] }),
  ...probes,
});

const MAPPINGS = {
  ...DATABASE,
  QUANTUM_PHYSICAL_INTERFACE_MAPPINGS: 'physnet1:eth1',
  QUANTUM_BRIDGE_MAPPINGS: 'external:br-ext',
};

async function check(probes: Partial<Probes>, environment: Record<string, string> = MAPPINGS) {
  const { output, printed } = recorder();
  const exitCode = await configCheck(
    { loaded: loaded({ environment }), json: true, output },
    probesOf(probes),
  );
  const findings: readonly Finding[] = JSON.parse(printed.join('\n')).findings;
  for (const { message, remedy } of findings)
    assert.ok(message.endsWith('.') && remedy.endsWith('.'), message);
  return { exitCode, codes: findings.map(({ code }) => code), findings };
}

test('a file with the password that everybody may read is noted, by the setting that names it', async () => {
  const seen: string[] = [];
  const isReadableByAll = (path: string): boolean => seen.push(path) > 0;
  const environment = { ...MAPPINGS, QUANTUM_SQL_PASSWORD_FILE: '/etc/passwd' };
  const { output, printed } = recorder();
  await configCheck({ loaded: loaded({ environment }), json: true, output }, probesOf({ isReadableByAll }));
  const { notes } = JSON.parse(printed.join('\n'));
  assert.deepEqual(
    notes.map(({ code }: { code: string }) => code),
    ['PASSWORD_READABLE'],
  );
  assert.deepEqual(seen, ['/etc/passwd']);
});

test('a host that fits gives no finding and exit code 0, warnings or not', async () => {
  const result = await check({}, { ...MAPPINGS, QUANTUM_POLING_INTERVAL: '2' });
  assert.deepEqual([result.exitCode, result.codes], [0, []]);
});

const HOSTS: readonly (readonly [string, HostState, readonly string[]])[] = [
  ['a missing interface', host({ name: 'br-ext', detail: BRIDGE }), ['PHYSICAL_INTERFACE_MISSING']],
  [
    'an interface that is a bridge',
    host({ name: 'eth1', detail: BRIDGE }, { name: 'br-ext', detail: BRIDGE }),
    ['PHYSICAL_INTERFACE_UNUSABLE'],
  ],
  [
    'an interface in a bond',
    host({ name: 'bond0' }, { name: 'eth1', master: 'bond0' }, { name: 'br-ext', detail: BRIDGE }),
    ['PHYSICAL_INTERFACE_ENSLAVED'],
  ],
  [
    'an interface that is mapped by another name of it',
    host({ name: 'enp3s0', altNames: ['eth1'] }, { name: 'br-ext', detail: BRIDGE }),
    [],
  ],
  [
    'an interface in a foreign bridge',
    host({ name: 'eth1', master: 'br-ext' }, { name: 'br-ext', detail: BRIDGE }),
    ['PHYSICAL_INTERFACE_ENSLAVED'],
  ],
  [
    "an interface in the agent's bridge, by name",
    host(
      { name: 'eth1', master: 'brq01234567-89' },
      { name: 'brq01234567-89', detail: BRIDGE },
      { name: 'br-ext', detail: BRIDGE },
    ),
    [],
  ],
  [
    "an interface in the agent's bridge, by label",
    host(
      { name: 'eth1', master: 'brqx' },
      { name: 'brqx', detail: BRIDGE, alias: labelOf(networkId('x')) },
      { name: 'br-ext', detail: BRIDGE },
    ),
    [],
  ],
  ['a missing mapped bridge', host({ name: 'eth1' }), ['BRIDGE_MAPPING_MISSING']],
  ['a mapped bridge that is none', host({ name: 'eth1' }, { name: 'br-ext' }), ['BRIDGE_MAPPING_MISSING']],
];
for (const [what, state, codes] of HOSTS)
  test(`${what} gives ${codes.length === 0 ? 'no finding' : codes.join()}`, async () => {
    const result = await check({ links: () => state });
    assert.deepEqual([result.codes, result.exitCode], [codes, codes.length === 0 ? 0 : 1]);
  });

test('the loopback as a physical interface is a finding', async () => {
  const result = await check({}, { ...MAPPINGS, QUANTUM_PHYSICAL_INTERFACE_MAPPINGS: 'physnet1:lo' });
  assert.deepEqual(result.codes, ['PHYSICAL_INTERFACE_UNUSABLE']);
});

test('an interface in the mapped bridge of the same physical network is no finding', async () => {
  const state = host({ name: 'eth1', master: 'br-ext' }, { name: 'br-ext', detail: BRIDGE });
  const result = await check(
    { links: () => state },
    { ...MAPPINGS, QUANTUM_BRIDGE_MAPPINGS: 'physnet1:br-ext' },
  );
  assert.deepEqual(result.codes, []);
});

test('a missing interface is told with the ones there are, taps and loopback left out, at most eight', async () => {
  const names = Array.from({ length: 20 }, (_, index) => ({ name: `eth${index + 10}` }));
  const { findings } = await check({
    links: () => host({ name: 'tap0' }, ...names, { name: 'br-ext', detail: BRIDGE }),
  });
  assert.match(findings[0]?.message ?? '', /does not exist; this host has eth10, .*eth17 and more\.$/);
});

test('a missing CAP_NET_ADMIN and an unreadable kernel are findings', async () => {
  const result = await check({
    netAdmin: () => false,
    links: () => new KernelError('unsupported', 'no netlink.'),
  });
  assert.deepEqual([result.codes, result.exitCode], [['KERNEL_UNREADABLE', 'NET_ADMIN_MISSING'], 1]);
});

const EXITS: Readonly<Record<DatabaseErrorKind, number>> = {
  unreachable: 75,
  'name-resolution': 75,
  schema: 78,
  authentication: 1,
  'socket-forbidden': 1,
  'no-such-database': 1,
  tls: 1,
  permission: 1,
  'no-transactions': 1,
  'rows-hidden': 1,
  query: 1,
};
for (const [kind, exitCode] of Object.entries(EXITS) as [DatabaseErrorKind, number][])
  test(`a database failure of the kind ${kind} has its own finding and exit code ${exitCode}`, async () => {
    const database = async () => new DatabaseError(kind, 'It does not work.');
    const result = await check({ database, netAdmin: () => false });
    assert.deepEqual(result.codes, [
      'NET_ADMIN_MISSING',
      `DATABASE_${kind.toUpperCase().replaceAll('-', '_')}`,
    ]);
    assert.equal(result.exitCode, exitCode);
  });

test('the text form prints every finding with its remedy, and warnings apart', async () => {
  const { output, printed, complained } = recorder();
  const settings = loaded({ environment: { ...MAPPINGS, QUANTUM_POLING_INTERVAL: '2' } });
  await configCheck(
    { loaded: settings, json: false, output },
    probesOf({ netAdmin: () => false, links: () => host() }),
  );
  assert.equal(printed.length, 3);
  for (const text of printed) assert.match(text, /^[A-Z_]+: .*\.\n {2}.*\.$/);
  assert.match(complained.join(), /^SETTING_UNKNOWN: environment QUANTUM_POLING_INTERVAL/);
});
