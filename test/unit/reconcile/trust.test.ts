import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settleServers, signAgainst } from '../../../src/agent/state-dir/server-record.js';
import { heed, makeWatermark } from '../../../src/database/watermark.js';
import { linkName } from '../../../src/model/index.js';
import { EMPTY_MEMORY, type Memory } from '../../../src/reconcile/remember/memory.js';
import { buildLinks, buildSettings } from '../../support/simulated/host-builder.js';
import { type SimulatedKernel, simulateKernel } from '../../support/simulated/kernel.js';
import { type PassWords, runOnce } from '../../support/simulated/pass-runner.js';
import { type AnswerWords, buildAnswer } from '../../support/simulated/row-builder.js';

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

interface Circumstances extends Pick<PassWords, 'wentBack' | 'accepted'> {
  /** This agent's own, as the database shows it. */
  readonly heartbeat?: string;
}

interface Host {
  /** One poll with this answer; the agent remembers the one before. */
  ask(words: AnswerWords, more?: Circumstances): { held: number; codes: string[] };
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
  const watermark = makeWatermark();
  let memory: Memory = EMPTY_MEMORY;
  return {
    ask: (words, { heartbeat = null, ...more } = {}) => {
      const answer = buildAnswer({ ...words, behind: heed(watermark, heartbeat) });
      const wentBack = signAgainst(watermark, answer);
      const result = runOnce(kernel, SETTINGS, answer, {
        ...(wentBack === null ? {} : { wentBack }),
        ...more,
        memory,
      });
      memory = result.memory;
      settleServers({ watermark, keepTrust: () => {} }, { trust: memory.server, answer, sign: null });
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

const [LAGS, RESTORED, LAST] = ['2026-01-01 00:01:00', '2026-01-01 00:02:00', '2026-01-01 00:03:00'] as const;

test('a primary that comes back from a dump is told from the one that was believed, although a replica that lags more answered between', () => {
  const host = wiredHost();
  host.ask({ ...WHOLE, ...PRIMARY }, { heartbeat: LAST });
  assert.equal(host.ask({ ...moved('n2'), ...REPLICA }, { heartbeat: LAGS }).held, 1);
  const back = host.ask({ ...moved('n2'), ...PRIMARY }, { heartbeat: RESTORED });
  assert.deepEqual(back, { held: 1, codes: ['DATABASE_WENT_BACK', 'REMOVALS_HELD'] });
  assert.equal(host.bridgeOf('tapp2'), 'brqn1');
});

test('a replica that lacks what was known is not believed because it agrees by chance, and is once it has caught up', () => {
  const host = wiredHost();
  host.ask({ ...WHOLE, ...PRIMARY }, { heartbeat: LAST });
  host.ask({ ...WHOLE, ...REPLICA }, { heartbeat: LAGS });
  host.restart();
  assert.equal(host.ask({ ...moved('n2'), ...REPLICA }, { heartbeat: RESTORED }).held, 1);
  assert.equal(host.ask({ ...WHOLE, ...REPLICA }, { heartbeat: LAST }).held, 0);
  assert.equal(host.ask({ ...moved('n2'), ...REPLICA }, { heartbeat: LAST }).held, 0);
  assert.equal(host.bridgeOf('tapp2'), 'brqn2');
});

for (const [what, server] of [
  ['a restored dump', PRIMARY],
  ['a replica that never gets what it lacks', REPLICA],
] as const) {
  test(`${what} that is accepted once is believed from then on, and only what is older still is not`, () => {
    const host = wiredHost();
    host.ask({ ...WHOLE, ...PRIMARY }, { heartbeat: LAST });
    const asked = { ...moved('n2'), ...server };
    assert.equal(host.ask(asked, { heartbeat: RESTORED }).held, 1);
    assert.equal(host.ask(asked, { heartbeat: RESTORED, accepted: 'all' }).held, 0);
    assert.equal(host.bridgeOf('tapp2'), 'brqn2');
    assert.deepEqual(host.ask({ ...WHOLE, ...server }, { heartbeat: RESTORED }), { held: 0, codes: [] });
    assert.equal(host.ask(asked, { heartbeat: LAGS }).held, 1);
  });
}

test('a port that was set down stays unplugged while a replica is behind that has it up, and comes back when that is news', () => {
  const host = wiredHost();
  host.ask({ ...WHOLE, ...PRIMARY }, { heartbeat: LAGS });
  host.ask({ ...DOWN, ...PRIMARY }, { heartbeat: LAST });
  for (const words of [WHOLE, WITHOUT_P2, WHOLE]) {
    host.ask({ ...words, ...REPLICA }, { heartbeat: LAGS });
    assert.equal(host.bridgeOf('tapp2'), null);
  }
  host.ask({ ...WHOLE, ...REPLICA }, { heartbeat: LAST });
  assert.equal(host.bridgeOf('tapp2'), 'brqn1');
});
