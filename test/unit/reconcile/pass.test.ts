import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostState, ifIndex, linkName, type Operation } from '../../../src/model/index.js';
import { EMPTY_MEMORY } from '../../../src/reconcile/remember/memory.js';
import type { View } from '../../../src/reconcile/see/view.js';
import { buildLinks, buildSettings, type LinkWords } from '../../support/simulated/host-builder.js';
import { simulateKernel } from '../../support/simulated/kernel.js';
import { runOnce, TEST_NOW_MS } from '../../support/simulated/pass-runner.js';
import { type AnswerWords, buildAnswer } from '../../support/simulated/row-builder.js';

const SETTINGS = buildSettings({});
const TAP: LinkWords = { name: 'tapp1', up: false };
const ROWS: AnswerWords = { ports: [{ id: 'p1', network: 'n1' }], networks: [{ id: 'n1' }] };
const masterOf = ({ links, byName }: HostState, name: string) =>
  links.get(byName.get(linkName(name))?.master ?? ifIndex(0))?.name;
const isAttach = ({ op }: Operation) => op === 'attach';

test('a tap that goes away under its operation has not failed', () => {
  const kernel = simulateKernel(buildLinks([TAP]), {
    meddle: (host, count) => {
      const tap = host.named('tapp1');
      if (count === 4 && tap !== undefined) host.remove(tap.index);
    },
  });
  const { report } = runOnce(kernel, SETTINGS, buildAnswer(ROWS));
  assert.deepEqual(report.failed, []);
  assert.equal(report.inSync, true);
});

test('when the world changes under a pass, it looks and plans again', () => {
  const kernel = simulateKernel(buildLinks([TAP]), {
    fault: (operation, count) => (isAttach(operation) && count < 6 ? 'EBUSY' : null),
  });
  const { report } = runOnce(kernel, SETTINGS, buildAnswer(ROWS));
  assert.deepEqual(report.failed, []);
  assert.equal(report.inSync, true);
});

test('it does not try for ever', () => {
  let tries = 0;
  const kernel = simulateKernel(buildLinks([TAP]), {
    fault: (operation) => {
      if (!isAttach(operation)) return null;
      tries += 1;
      return 'EBUSY';
    },
  });
  const { report } = runOnce(kernel, SETTINGS, buildAnswer(ROWS));
  assert.equal(tries, 3);
  assert.deepEqual(
    report.failed.map(({ operation, failure }) => [operation.op, failure.errno]),
    [
      ['attach', 'EBUSY'],
      ['set-up', 'SKIPPED'],
    ],
  );
});

test('what the kernel refuses is not tried again in the same pass', () => {
  let tries = 0;
  const kernel = simulateKernel(buildLinks([TAP]), {
    fault: (operation) => {
      if (!isAttach(operation)) return null;
      tries += 1;
      return 'EXFULL';
    },
  });
  runOnce(kernel, SETTINGS, buildAnswer(ROWS));
  assert.equal(tries, 1);
});

test('a port that is not wired because of a refusal is named', () => {
  const kernel = simulateKernel(buildLinks([TAP]), {
    fault: ({ op }) => (op === 'create-bridge' ? 'EPERM' : null),
  });
  const { report } = runOnce(kernel, SETTINGS, buildAnswer(ROWS));
  assert.deepEqual(
    report.warnings.map(({ code, port }) => [code, port]),
    [
      ['OPERATION_FAILED', undefined],
      ['OPERATION_FAILED', 'p1'],
    ],
  );
});

test('an operation that has no effect is a failure', () => {
  const kernel = simulateKernel(buildLinks([TAP]), {
    meddle: (host) => {
      const tap = host.named('tapp1');
      if (tap?.up === true) host.setUp(tap.index, false);
    },
  });
  const { report } = runOnce(kernel, SETTINGS, buildAnswer(ROWS));
  assert.deepEqual(
    report.failed.map(({ operation, failure }) => [operation.op, failure.errno]),
    [['set-up', 'UNVERIFIED']],
  );
  assert.deepEqual(report.statuses, []);
});

test('a removal that comes up in a later round is judged by the guard too', () => {
  const bridge = { name: 'brqn1', label: 'n1' };
  const taps = ['tapp1', 'tapp2', 'tapp3'].map((name) => ({ name }));
  const rows = { networks: [{ id: 'n1' }], ports: [{ id: 'p9', network: 'n1' }] };
  const kernel = simulateKernel(buildLinks([bridge, ...taps, { name: 'tapp9' }]), {
    meddle: (host, count) => {
      const index = host.named('brqn1')?.index;
      for (const { name } of taps) {
        const tap = host.named(name);
        if (count === 1 && tap !== undefined && index !== undefined) host.enslave(tap.index, index);
      }
    },
    fault: (operation, count) => (isAttach(operation) && count < 3 ? 'EBUSY' : null),
  });
  runOnce(kernel, SETTINGS, buildAnswer(rows));
  const { byName } = kernel.observe();
  assert.ok(
    taps.every(({ name }) => byName.get(name as never)?.master === byName.get('brqn1' as never)?.index),
  );
});

test('a plan changes nothing and says which statuses it would lead to', () => {
  const kernel = simulateKernel(buildLinks([TAP]));
  const { report } = runOnce(kernel, SETTINGS, buildAnswer(ROWS), { apply: false });
  assert.equal(kernel.states.length, 1);
  assert.deepEqual(report.statuses, [{ port: 'p1', from: 'DOWN', to: 'ACTIVE', bound: 'here' }]);
});

test('a plan is what the pass then does', () => {
  const kernel = simulateKernel(buildLinks([TAP]));
  const planned = runOnce(kernel, SETTINGS, buildAnswer(ROWS), { apply: false });
  const { report } = runOnce(kernel, SETTINGS, buildAnswer(ROWS));
  assert.deepEqual(report.operations, planned.report.operations);
});

test('while a tap is left to libvirt the pass says when to look again', () => {
  const rows = { ...ROWS, ports: [{ id: 'p1', network: 'n1', compute: true }] };
  const kernel = simulateKernel(buildLinks([TAP]));
  assert.equal(runOnce(kernel, SETTINGS, buildAnswer(rows)).wakeAtMs, TEST_NOW_MS + 2000);
});

test('a tap that is kept out of its bridge is wired at once when its port moves to another network', () => {
  const kernel = simulateKernel(buildLinks([TAP]));
  const pull = (): void =>
    kernel.change((host) => {
      const tap = host.named('tapp1');
      if (tap !== undefined) host.enslave(tap.index, null);
    });
  const ask = (network: string, atMs: number, memory = EMPTY_MEMORY) => {
    const rows = { ports: [{ id: 'p1', network }], networks: [{ id: 'n1' }, { id: 'n2' }] };
    return runOnce(kernel, SETTINGS, buildAnswer(rows), { memory, nowMs: TEST_NOW_MS + atMs });
  };
  let { memory } = ask('n1', 0);
  for (const atMs of [1, 2, 3]) {
    pull();
    ({ memory } = ask('n1', atMs, memory));
  }
  assert.equal(masterOf(kernel.observe(), 'tapp1'), undefined, 'its repair is paused');
  ask('n2', 4, memory);
  assert.equal(masterOf(kernel.observe(), 'tapp1'), 'brqn2');
});

test('a server that changed is doubted until it has every row, and then believed', () => {
  const links = [
    { name: 'brqn1', label: 'n1' },
    ...['tapp1', 'tapp2'].map((name) => ({ name, master: 'brqn1' })),
  ];
  const ports = ['p1', 'p2'].map((id) => ({ id, network: 'n1' }));
  const kernel = simulateKernel(buildLinks(links));
  const ask = (server: string, rows: AnswerWords, memory = runOnce(kernel, SETTINGS, null).memory) =>
    runOnce(kernel, SETTINGS, buildAnswer({ ...ROWS, server, ...rows }), { memory });
  const first = ask('a', { ports });
  const lagging = ask('b', { ports: ports.slice(1) }, first.memory);
  const still = ask('b', { ports: ports.slice(1) }, lagging.memory);
  const whole = ask('b', { ports }, still.memory);
  const later = ask('b', { ports: ports.slice(1) }, whole.memory);
  assert.deepEqual(
    [first, lagging, still, whole, later].map(({ report }) => [report.held.length, report.operations.length]),
    [
      [0, 0],
      [1, 0],
      [1, 0],
      [0, 0],
      [0, 2],
    ],
  );
});

test('what was accepted is accepted once', () => {
  const links = [
    { name: 'brqn1', label: 'n1' },
    { name: 'tapp1', master: 'brqn1' },
  ];
  const kernel = simulateKernel(buildLinks(links));
  const held = runOnce(kernel, SETTINGS, buildAnswer({ networks: [{ id: 'n1' }] }));
  const accepted = new Set(held.report.held.map(({ key }) => key));
  const { memory, report } = runOnce(kernel, SETTINGS, buildAnswer({ networks: [{ id: 'n1' }] }), {
    memory: { ...held.memory, accepted },
  });
  assert.deepEqual(
    report.operations.map(({ op }) => op),
    ['set-ipv4', 'detach'],
  );
  assert.equal(memory.accepted.size, 0);
});

test('a tap does not come behind an uplink of another segment than its port names, although its network was served', () => {
  const kernel = simulateKernel(buildLinks([{ name: 'eth1' }, TAP, { name: 'tapp2', up: false }]));
  const answer = buildAnswer({
    generation: 'ml2',
    ports: [
      { id: 'p1', network: 'n1', status: 'ACTIVE', segment: 'vlan physnet1 100' },
      { id: 'p2', network: 'n1', status: 'ACTIVE', segment: 'vlan physnet1 200' },
    ],
    networks: [{ id: 'n1', segments: ['vlan physnet1 100', 'vlan physnet1 200'] }],
  });
  const wired = runOnce(kernel, SETTINGS, answer);
  const { memory, desired } = runOnce(kernel, SETTINGS, null, {
    memory: wired.memory,
    seen: wired.desired.world.view,
  });
  kernel.change((host) => {
    for (const name of ['tapp1', 'tapp2']) {
      const tap = host.named(name);
      if (tap === undefined) continue;
      host.remove(tap.index);
      if (name === 'tapp2') host.add({ ...tap, master: null });
    }
  });
  runOnce(kernel, SETTINGS, null, { memory, seen: desired.world.view });
  assert.equal(masterOf(kernel.observe(), 'tapp2'), undefined);
});

test('of two networks that want one VLAN the one that has taps gets it, whichever had some before', () => {
  const kernel = simulateKernel(
    buildLinks([
      { name: 'eth1' },
      { name: 'brqn1', label: 'n1' },
      { name: 'brqn2', label: 'n2' },
      { name: 'tapp2', master: 'brqn2' },
    ]),
  );
  const { ports, networks } = buildAnswer({
    ports: ['n1', 'n2'].map((network) => ({ id: network.replace('n', 'p'), network })),
    networks: ['n1', 'n2'].map((id) => ({ id, segments: ['vlan physnet1 100'] })),
  });
  const memory = {
    ...EMPTY_MEMORY,
    known: new Map(ports.map((port) => [linkName(`tap${port.id}`), port])),
    networks: new Map(networks.map((network) => [network.id, network])),
  };
  const lost = (seen: View | null) => {
    const { report, desired } = runOnce(kernel, SETTINGS, null, { memory, seen, apply: false });
    const warnings = report.warnings.filter(({ code }) => code === 'SEGMENT_CONFLICT');
    return { who: warnings.map(({ network }) => network), view: desired.world.view };
  };
  const before = lost(null);
  kernel.change((host) => {
    const [tap, bridge] = [host.named('tapp2'), host.named('brqn1')];
    assert.ok(tap !== undefined && bridge !== undefined);
    host.remove(tap.index);
    host.add({ ...tap, name: linkName('tapp1'), master: bridge.index });
  });
  assert.deepEqual([before.who, lost(before.view).who], [['n1'], ['n2']]);
});
