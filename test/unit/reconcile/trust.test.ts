import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkName } from '../../../src/model/index.js';
import { EMPTY_MEMORY, type Memory } from '../../../src/reconcile/memory.js';
import { buildLinks, buildSettings } from '../../support/host-builder.js';
import { type PassWords, runOnce } from '../../support/pass-runner.js';
import { type AnswerWords, buildAnswer } from '../../support/row-builder.js';
import { type SimulatedKernel, simulateKernel } from '../../support/simulated-kernel.js';

const SETTINGS = buildSettings({});
const NETWORKS = [{ id: 'n1' }, { id: 'n2' }];
const [P1, P2] = ['p1', 'p2'].map((id) => ({ id, network: 'n1' }));
const WHOLE: AnswerWords = { ports: [P1, P2].flatMap((port) => port ?? []), networks: NETWORKS };
const WITHOUT_P2: AnswerWords = { ...WHOLE, ports: WHOLE.ports?.slice(0, 1) ?? [] };
/** What the rows said before the port moved, and before it was set down. */
const moved = (network: string): AnswerWords => ({
  ...WHOLE,
  ports: [
    { id: 'p1', network: 'n1' },
    { id: 'p2', network },
  ],
});
const DOWN: AnswerWords = {
  ...WHOLE,
  ports: [
    { id: 'p1', network: 'n1' },
    { id: 'p2', network: 'n1', adminUp: false },
  ],
};

const WENT_BACK = { known: '2026-01-02 00:00:00', shown: '2026-01-01 00:00:00' };

interface Host {
  /** One poll with this answer; the agent remembers the one before. */
  ask(words: AnswerWords, more?: Pick<PassWords, 'wentBack' | 'accepted'>): { held: number; codes: string[] };
  bridgeOf(tap: string): string | null;
  /** A new process, which has what the old one kept of the servers. */
  restart(): void;
}

/** Taps of p1 and p2 in the bridge of n1. */
function wiredHost(): Host {
  const links = [
    { name: 'brqn1', label: 'n1' },
    { name: 'tapp1', master: 'brqn1' },
    { name: 'tapp2', master: 'brqn1' },
  ];
  const kernel: SimulatedKernel = simulateKernel(buildLinks(links));
  let memory: Memory = EMPTY_MEMORY;
  return {
    ask: (words, more = {}) => {
      const result = runOnce(kernel, SETTINGS, buildAnswer(words), { ...more, memory });
      memory = result.memory;
      const { held, warnings } = result.report;
      return { held: held.length, codes: warnings.map(({ code }) => code) };
    },
    bridgeOf: (tap) => {
      const { links: now, byName } = kernel.observe();
      const master = byName.get(linkName(tap))?.master ?? null;
      return master === null ? null : (now.get(master)?.name ?? null);
    },
    restart: () => {
      memory = { ...EMPTY_MEMORY, server: memory.server };
    },
  };
}

const PRIMARY = { server: 'primary' };
const REPLICA = { server: 'replica', suspect: 'read-only' } as const;
const PROMOTED = { server: 'promoted replica' };

for (const [what, words] of [
  ['the network that a port has left', moved('n2')],
  ['an admin state of before', DOWN],
  ['no row of a port', WITHOUT_P2],
] as const) {
  test(`a read-only server that takes over with ${what} takes no wire away, nor once it is promoted`, () => {
    const host = wiredHost();
    host.ask({ ...WHOLE, ...PRIMARY });
    for (const server of [REPLICA, REPLICA, PROMOTED, PROMOTED]) {
      assert.equal(host.ask({ ...words, ...server }).held, 1, server.server);
      host.restart();
    }
    assert.equal(host.bridgeOf('tapp2'), 'brqn1');
  });
}

test('what a replica asked for goes ahead at once when the server of before asks for it too', () => {
  const host = wiredHost();
  host.ask({ ...WHOLE, ...PRIMARY });
  assert.equal(host.ask({ ...DOWN, ...REPLICA }).held, 1);
  assert.equal(host.ask({ ...DOWN, ...PRIMARY }).held, 0);
  assert.equal(host.bridgeOf('tapp2'), null);
});

test('a replica that has said once what was known last is believed about rows that are there, and not about others', () => {
  const host = wiredHost();
  host.ask({ ...WHOLE, ...PRIMARY });
  host.ask({ ...WHOLE, ...REPLICA });
  assert.equal(host.ask({ ...WITHOUT_P2, ...REPLICA }).held, 1);
  assert.equal(host.ask({ ...moved('n2'), ...REPLICA }).held, 0);
  assert.equal(host.bridgeOf('tapp2'), 'brqn2');
});

test('where a replica is the only server, an admin state works as on any other', () => {
  const host = wiredHost();
  host.ask({ ...WHOLE, ...REPLICA });
  host.restart();
  assert.equal(host.ask({ ...DOWN, ...REPLICA }).held, 0);
  assert.equal(host.bridgeOf('tapp2'), null);
});

test('what is held because a replica took over goes ahead when it is accepted, and the replica is believed then', () => {
  const host = wiredHost();
  host.ask({ ...WHOLE, ...PRIMARY });
  assert.equal(host.ask({ ...DOWN, ...REPLICA }).held, 1);
  assert.equal(host.ask({ ...DOWN, ...REPLICA }, { accepted: 'all' }).held, 0);
  assert.equal(host.bridgeOf('tapp2'), null);
  assert.equal(host.ask({ ...WHOLE, ...REPLICA, ports: [{ id: 'p1', network: 'n2' }] }).held, 0);
  assert.equal(host.bridgeOf('tapp1'), 'brqn2');
});

test('a database that went back is told with both times, and takes no wire away until it says what was known', () => {
  const host = wiredHost();
  host.ask({ ...WHOLE, ...PRIMARY });
  const first = host.ask({ ...moved('n2'), ...PRIMARY }, { wentBack: WENT_BACK });
  assert.deepEqual(first, { held: 1, codes: ['DATABASE_WENT_BACK', 'REMOVALS_HELD'] });
  host.restart();
  assert.equal(host.ask({ ...moved('n2'), ...PRIMARY }).held, 1);
  assert.equal(host.bridgeOf('tapp2'), 'brqn1');
  assert.deepEqual(host.ask({ ...WHOLE, ...PRIMARY }), { held: 0, codes: ['DATABASE_WENT_BACK'] });
  assert.deepEqual(host.ask({ ...moved('n2'), ...PRIMARY }), { held: 0, codes: [] });
  assert.equal(host.bridgeOf('tapp2'), 'brqn2');
});
