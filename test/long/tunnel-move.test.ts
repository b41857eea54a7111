import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ENGINES } from '../support/databases/engines.js';
import { rowsOf } from '../support/databases/rows.js';
import { DATABASE, waitUntil } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';
import { bridgeOf, portId, type TestDatabase, tapOf, waitForStatus } from '../support/host/host.js';
import { type Cleanup, ip, ipBatch, makeNamespace, makeVeth } from '../support/host/netns.js';
import { startStream } from '../support/host/stream.js';
import { type Guest, makeGuest } from '../support/host/traffic.js';
import { boot, type CloudHost, makeTunnelCloud, TENANT, waitForMesh } from '../support/host/tunnel-cloud.js';
import type { Family } from '../support/host/wire.js';

const PER_SECOND = 1_000;
/** The rows say so much later that the guest has moved. */
const LATE_MS = 1_000;
/** Frames that are under way, and those of a timer that comes late and goes all at once. */
const SLACK_FRAMES = 30;

/** A guest whose wire leads to one of two hosts, each of which has its tap, as while a machine migrates. */
interface Movable extends Guest {
  readonly port: string;
  /** How long the guest was on neither host. */
  move(): number;
}

/** Its own card keeps its carrier, as a machine's does: between it and the taps is a switch. */
async function bootMovable(
  t: Cleanup,
  { rows }: TestDatabase,
  { from, to }: { readonly from: CloudHost; readonly to: CloudHost },
  n: number,
): Promise<Movable> {
  const port = portId(n);
  await rows.port({ id: port, network: TENANT.network });
  await rows.binding({ port, host: from.name, segment: TENANT.network });
  const between = makeNamespace(t);
  ip(between, 'link', 'add', 'switch', 'type', 'bridge', 'forward_delay', '0');
  ip(between, 'link', 'set', 'switch', 'up');
  const guest = makeGuest(t, between, 'card', n);
  ipBatch(between, ['link set card master switch', 'link set card up']);
  for (const [wire, host] of [
    ['old', from],
    ['new', to],
  ] as const)
    makeVeth(host.namespace, tapOf(port), between, wire);
  ip(between, 'link', 'set', 'old', 'master', 'switch');
  await waitForStatus(rows, port, 'ACTIVE');
  // As libvirt does on the host that a machine comes to.
  ip(to.namespace, 'link', 'set', tapOf(port), 'master', bridgeOf(TENANT.network));
  return {
    ...guest,
    port,
    move: () => {
      const began = performance.now();
      ipBatch(between, ['link set old nomaster', 'link set new master switch']);
      return performance.now() - began;
    },
  };
}

async function moveUnderTraffic(t: Cleanup, database: TestDatabase, family: Family) {
  const hosts = await makeTunnelCloud(t, database, { family, hosts: 3 });
  const [one, two, three] = hosts;
  assert.ok(one && two && three);
  const stays = await boot(t, database, one, 1);
  await boot(t, database, two, 3);
  await boot(t, database, three, 4);
  await waitForMesh(hosts);
  const moves = await bootMovable(t, database, { from: two, to: three }, 2);
  const streams = await Promise.all([
    startStream(t, { from: stays, to: moves, port: 7_002, perSecond: PER_SECOND }),
    startStream(t, { from: moves, to: stays, port: 7_003, perSecond: PER_SECOND }),
  ]);
  await delay(LATE_MS);
  const pauseMs = moves.move();
  await delay(LATE_MS);
  for (const table of ['ml2_port_bindings', 'ml2_port_binding_levels'])
    await database.server.query(
      `update ${table} set host = '${three.name}' where port_id = '${moves.port}'`,
      DATABASE,
    );
  await waitUntil(
    async () => (await database.rows.statusOf(moves.port)) === 'ACTIVE',
    'the port is ACTIVE on its new host',
  );
  await delay(LATE_MS);
  const counted = [];
  for (const stream of streams) counted.push(await stream.stop());
  await waitForMesh(hosts);
  return { pauseMs, counted };
}

for (const { name, start } of ENGINES.filter((engine) => engine.name !== 'MySQL')) {
  for (const family of ['IPv4', 'IPv6'] as const) {
    test(`a guest that moves at ${PER_SECOND} frames a second, on ${name} over ${family}, with rows that are late, loses no more than while it was nowhere, and gets no frame twice`, async (t) => {
      const server = await start();
      t.after(() => server.destroy());
      await createSchema(server, 'ml2-zed');
      const database = { server, rows: rowsOf(server, 'ml2-zed') };
      const { pauseMs, counted } = await moveUnderTraffic(t, database, family);
      t.diagnostic(`nowhere for ${pauseMs.toFixed(0)} ms: ${JSON.stringify(counted)}`);
      const most = (pauseMs * PER_SECOND) / 1_000 + SLACK_FRAMES;
      for (const { sent, lost, doubled } of counted) {
        assert.ok(sent > 2 * PER_SECOND);
        assert.ok(lost <= most, `${lost} frames were lost, ${most.toFixed(0)} may`);
        assert.equal(doubled, 0);
      }
    });
  }
}
