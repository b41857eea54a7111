import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConfigFile, makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import { bridgeOf, makeHost, networkId, portId, type TestDatabase, tapOf } from '../support/host/host.js';
import { type Cleanup, type IpLink, ip, ipBatch, ipJson } from '../support/host/netns.js';
import { makeGuest, startTraffic } from '../support/host/traffic.js';
import { startWitness } from '../support/host/witness.js';

const TAPS = 100;

/** Networks 2 to 5; one of them is flat, on the interface with the host's address. */
const NETWORKS = [2, 3, 4, 5].map(networkId);
const [FLAT = networkId(2)] = NETWORKS;
const PORTS = Array.from({ length: TAPS }, (_, n) => `${String(1000 + n)}0000-7777-4222-8333-444455556666`);
const networkOf = (n: number): string => NETWORKS[n % NETWORKS.length] ?? FLAT;

/** A host with two guests on a network of their own, and rows for the ports of a hundred taps. */
async function makeCloud(t: Cleanup, { server, rows }: TestDatabase) {
  const { namespace } = makeHost(t);
  ip(namespace, 'address', 'add', '10.1.0.5/24', 'dev', 'eth1');
  ip(namespace, 'route', 'add', 'default', 'via', '10.1.0.1');
  await rows.network({ id: networkId(1), type: 'local' });
  for (const id of [portId(1), portId(2)]) await rows.port({ id, network: networkId(1) });
  for (const id of NETWORKS)
    await rows.network(
      id === FLAT ? { id, type: 'flat', physicalNetwork: 'physnet1' } : { id, type: 'local' },
    );
  for (const [n, id] of PORTS.entries()) await rows.port({ id, network: networkOf(n) });
  const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1' });
  const guests = [1, 2].map((n) => makeGuest(t, namespace, tapOf(portId(n)), n));
  const once = () => runCli(namespace, ['--config-file', config.path, 'once']);
  assert.equal((await once()).code, 0);
  return { namespace, config, guests, once };
}

/** Links of a group are deleted in one go; one by one each waits for the kernel. */
const GROUP = '77';

/** The hundred taps as Nova has just made them, and none of their bridges; the uplink has its address back. */
function reset(namespace: string): void {
  const present = new Set(links(namespace).map(({ ifname }) => ifname));
  const bridges = NETWORKS.map(bridgeOf).filter((name) => present.has(name));
  const taps = PORTS.map(tapOf).filter((name) => present.has(name));
  ipBatch(namespace, [
    // The agent gives the taps that it wires a group of its own.
    ...[...bridges, ...taps].map((name) => `link set ${name} group ${GROUP}`),
    ...(taps.length > 0 ? [`link del group ${GROUP}`] : []),
    ...PORTS.map((port) => `tuntap add dev ${tapOf(port)} mode tap`),
    'address replace 10.1.0.5/24 dev eth1',
    'route replace default via 10.1.0.1',
  ]);
}

const links = (namespace: string): IpLink[] => ipJson<IpLink>(namespace, 'link', 'show');

/** Starts `run`, waits until it is at work, and kills it after a while. How many taps were wired then. */
async function killedStart(
  t: Cleanup,
  namespace: string,
  config: ConfigFile,
  afterMs: number,
): Promise<number> {
  const agent = await startAgent(t, namespace, config);
  await delay(afterMs);
  agent.signal('SIGKILL');
  await agent.ended();
  return assertNoTapIsWrong(namespace);
}

/** Every tap is in its own network's bridge or in none. How many are in one. */
function assertNoTapIsWrong(namespace: string): number {
  const masters = new Map(links(namespace).map(({ ifname, master }) => [ifname, master]));
  let wired = 0;
  for (const [n, port] of PORTS.entries()) {
    const master = masters.get(tapOf(port));
    assert.ok(master === undefined || master === bridgeOf(networkOf(n)), `${tapOf(port)} is in ${master}`);
    if (master !== undefined) wired += 1;
  }
  return wired;
}

/** The host's address and default route are there, on whatever link. */
function assertReachable(namespace: string): void {
  assert.match(ip(namespace, '-4', 'address', 'show'), /inet 10\.1\.0\.5\/24/);
  assert.match(ip(namespace, 'route', 'show', 'default'), /via 10\.1\.0\.1/);
}

/** How long it takes, from the line that it has started, until the last tap is wired. */
async function undisturbed(t: Cleanup, namespace: string, config: ConfigFile): Promise<number> {
  const agent = await startAgent(t, namespace, config);
  const started = performance.now();
  await agent.line('host changed');
  const tookMs = performance.now() - started;
  assert.equal(assertNoTapIsWrong(namespace), TAPS);
  agent.signal('SIGKILL');
  await agent.ended();
  return tookMs;
}

/**
 * Kills the start of an agent on a host with a hundred new taps at random moments, each time from the beginning, and
 * finishes it. `random` gives 0 to 1. Gives how many taps each killed start had wired.
 */
export async function killStarts(
  t: Cleanup,
  database: TestDatabase,
  kills: number,
  random: () => number,
): Promise<number[]> {
  const { namespace, config, guests, once } = await makeCloud(t, database);
  const [from, to] = guests;
  if (from === undefined || to === undefined) throw new Error('there are two guests');
  const traffic = await startTraffic(t, from, to);
  const witness = await startWitness(t, namespace);
  reset(namespace);
  const workMs = await undisturbed(t, namespace, config);
  const wired: number[] = [];
  for (let kill = 0; kill < kills; kill++) {
    reset(namespace);
    wired.push(await killedStart(t, namespace, config, workMs * random()));
    assertReachable(namespace);
    const { code } = await once();
    assert.equal(code, 0, `after kill ${kill}, with ${wired.at(-1)} taps wired`);
    assert.equal(assertNoTapIsWrong(namespace), TAPS);
    assertReachable(namespace);
  }
  await witness.expectNothingOn(tapOf(portId(1)), tapOf(portId(2)), bridgeOf(networkId(1)));
  const { sent, lost } = await traffic.stop();
  assert.ok(sent > 0);
  assert.equal(lost, 0, `${lost} of ${sent} packets were lost`);
  return wired;
}

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
