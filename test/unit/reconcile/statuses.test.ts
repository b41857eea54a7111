import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_MEMORY, type Memory } from '../../../src/reconcile/remember/memory.js';
import { buildLinks, buildSettings, type LinkWords } from '../../support/simulated/host-builder.js';
import { simulateKernel } from '../../support/simulated/kernel.js';
import { runOnce } from '../../support/simulated/pass-runner.js';
import { type AnswerWords, buildAnswer, type PortWords } from '../../support/simulated/row-builder.js';

const BRIDGE: LinkWords = { name: 'brqn1', label: 'n1' };
const WIRED: LinkWords[] = [BRIDGE, { name: 'tapp1', master: 'brqn1' }];
const SETTINGS = buildSettings({});

const rows = (port: Partial<PortWords>, words: AnswerWords = {}): AnswerWords => ({
  networks: [{ id: 'n1' }],
  ports: [{ id: 'p1', network: 'n1', ...port }],
  ...words,
});

/** The statuses after one pass, as `port status`. */
function statuses(links: LinkWords[], words: AnswerWords, memory: Memory = EMPTY_MEMORY): string[] {
  const { report } = runOnce(simulateKernel(buildLinks(links)), SETTINGS, buildAnswer(words), { memory });
  return report.statuses.map(({ port, to }) => `${port} ${to}`);
}

/** What is remembered after a pass in which the tap was here and wired. */
function afterWired(words: AnswerWords): Memory {
  return runOnce(simulateKernel(buildLinks(WIRED)), SETTINGS, buildAnswer(words)).memory;
}

test('a status that is right already is not written', () => {
  assert.deepEqual(statuses(WIRED, rows({ status: 'ACTIVE' })), []);
});

test('a status that was lost is written in the next pass, and in every one until it is there', () => {
  assert.deepEqual(statuses(WIRED, rows({ status: 'BUILD' }), afterWired(rows({ status: 'BUILD' }))), [
    'p1 ACTIVE',
  ]);
});

test('with hosts, a tap that went away is DOWN for as long as the port is bound here', () => {
  const memory = afterWired(rows({ status: 'ACTIVE' }));
  const next = runOnce(
    simulateKernel(buildLinks([BRIDGE])),
    SETTINGS,
    buildAnswer(rows({ status: 'ACTIVE' })),
    {
      memory,
    },
  );
  assert.deepEqual(statuses([BRIDGE], rows({ status: 'ACTIVE' }), memory), ['p1 DOWN']);
  assert.deepEqual(statuses([BRIDGE], rows({ status: 'ACTIVE' }), next.memory), ['p1 DOWN']);
});

test('without hosts, another host may say ACTIVE again and is not contradicted', () => {
  const words = rows({ status: 'ACTIVE' }, { generation: 'folsom' });
  const owing = runOnce(simulateKernel(buildLinks([BRIDGE])), SETTINGS, buildAnswer(words), {
    memory: afterWired(words),
  });
  assert.deepEqual(
    owing.report.statuses.map(({ to }) => to),
    ['DOWN'],
  );
  const settled = [...owing.memory.away].map(
    ([name, entry]) => [name, { ...entry, owesDown: false }] as const,
  );
  assert.deepEqual(statuses([BRIDGE], words, { ...owing.memory, away: new Map(settled) }), []);
});

/** The tap of `p1` goes while a pass wires another one; then the statuses of that pass and of the next one. */
function goneInThePass(generation: string): string[][] {
  const words = rows(
    {},
    {
      generation,
      ports: [
        { id: 'p1', network: 'n1', status: 'ACTIVE' },
        { id: 'p2', network: 'n1', status: 'ACTIVE' },
      ],
    },
  );
  const memory = afterWired(rows({ status: 'ACTIVE' }, { generation }));
  const kernel = simulateKernel(buildLinks([...WIRED, { name: 'tapp2' }]), {
    meddle: (host) => {
      const tap = host.named('tapp1');
      if (tap !== undefined) host.remove(tap.index);
    },
  });
  const during = runOnce(kernel, SETTINGS, buildAnswer(words), { memory });
  const next = runOnce(kernel, SETTINGS, buildAnswer(words), { memory: during.memory });
  return [during, next].map(({ report }) => report.statuses.map(({ port, to }) => `${port} ${to}`));
}

for (const generation of ['folsom', 'grizzly']) {
  test(`a tap that goes while another one is wired does not leave its port ACTIVE (${generation})`, () => {
    const [during, next] = goneInThePass(generation);
    assert.deepEqual([during, next], [['p1 DOWN'], ['p1 DOWN']], 'until it has been written');
  });

  test(`a tap that goes after the database was asked does not leave its port ACTIVE (${generation})`, () => {
    const words = rows({ status: 'ACTIVE' }, { generation });
    const { memory } = runOnce(simulateKernel(buildLinks([BRIDGE])), SETTINGS, buildAnswer(words));
    assert.deepEqual(statuses([BRIDGE], words, memory), ['p1 DOWN']);
  });
}

test('a tap that goes in a pass from memory is owed DOWN from then on', () => {
  const words = rows({ status: 'ACTIVE' }, { generation: 'folsom' });
  const kernel = simulateKernel(
    buildLinks([
      { name: 'brqn1', label: 'n1', stp: true },
      { name: 'tapp1', master: 'brqn1' },
    ]),
    {
      meddle: (host) => {
        const tap = host.named('tapp1');
        if (tap !== undefined) host.remove(tap.index);
      },
    },
  );
  const { memory } = runOnce(kernel, SETTINGS, null, { memory: afterWired(words) });
  assert.equal([...memory.away.values()][0]?.owesDown, true);
});

test('a tap that went away and was not ACTIVE keeps its status', () => {
  assert.deepEqual(statuses([BRIDGE], rows({ status: 'BUILD' }), afterWired(rows({ status: 'BUILD' }))), []);
});

test('a tap that went away from a port bound elsewhere by now is not this host’s to speak of', () => {
  const memory = afterWired(rows({ status: 'ACTIVE' }));
  assert.deepEqual(statuses([BRIDGE], rows({ status: 'ACTIVE', binding: 'elsewhere node-2' }), memory), []);
});

test('a port that was never seen here is not written by the pass that hears of it', () => {
  assert.deepEqual(statuses([BRIDGE], rows({ status: 'ACTIVE' })), []);
});

test('a tap that is left to libvirt is neither ACTIVE nor DOWN yet', () => {
  assert.deepEqual(statuses([{ name: 'tapp1' }], rows({ status: 'BUILD', compute: true })), []);
});

test('a tap that the guard keeps in its bridge keeps its status', () => {
  const taps = ['p1', 'p2'].map((id) => ({ name: `tap${id}`, master: 'brqn1' }));
  const ports = ['p1', 'p2'].map((id) => ({ id, network: 'n1', adminUp: false, status: 'ACTIVE' }));
  assert.deepEqual(statuses([BRIDGE, ...taps], rows({}, { ports })), []);
});

test('a tap whose bridge could not be had is DOWN', () => {
  const kernel = simulateKernel(buildLinks([{ name: 'tapp1' }]), {
    fault: ({ op }) => (op === 'create-bridge' ? 'EPERM' : null),
  });
  const { report } = runOnce(kernel, SETTINGS, buildAnswer(rows({ status: 'ACTIVE' })));
  assert.deepEqual(report.statuses, [{ port: 'p1', from: 'ACTIVE', to: 'DOWN', bound: 'here' }]);
});

test('a wired tap whose uplink could not be had is DOWN', () => {
  const links: LinkWords[] = [{ name: 'eth1' }, ...WIRED];
  const kernel = simulateKernel(buildLinks(links), { vlans: false });
  const words = rows({ status: 'ACTIVE' }, { networks: [{ id: 'n1', segments: ['vlan physnet1 100'] }] });
  const { report } = runOnce(kernel, SETTINGS, buildAnswer(words));
  assert.deepEqual(report.statuses, [{ port: 'p1', from: 'ACTIVE', to: 'DOWN', bound: 'here' }]);
});

test('Essex says UP and DOWN', () => {
  assert.deepEqual(statuses(WIRED, rows({}, { generation: 'essex' })), ['p1 UP']);
});
