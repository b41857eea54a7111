import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { waitUntil } from '../../support/databases/servers.js';
import { bridgeOf, masterOf } from '../../support/host/host.js';
import { command, ip, ipBatch } from '../../support/host/netns.js';
import { startWitness } from '../../support/host/witness.js';
import { type Fault, severalPolls } from '../fault.js';
import { FLAT, LOCAL, type Stage, serves, whileStopped } from '../stage.js';

/** What somebody else has and does on this host has nothing to do with the engine: one of them is enough. */
const usual = {
  engines: ['PostgreSQL'],
  manners: { over: 'socket' },
  touches: [],
  expect: severalPolls,
  serves,
} as const satisfies Partial<Fault>;

const ROUTES = 10_000;
/** In ticks of 10 ms, for a second of polls: they took 45 when each of them read every route. */
const POLLS_TICKS_MAX = 25;

/** Processor time of the agent so far, in ticks of 10 ms. */
function ticksOf({ agent }: Stage): number {
  // The name, in parentheses, may hold blanks; behind it utime and stime are the 12th and 13th field.
  const fields = readFileSync(`/proc/${agent.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

const FLAT_BRIDGE = bridgeOf(FLAT);
const LOCAL_BRIDGES = [bridgeOf(LOCAL), FLAT_BRIDGE];
const FORWARDING = `net.ipv4.conf.${bridgeOf(LOCAL)}.forwarding`;
/** As long as a refused move is paused at first, and a little more. */
const PAUSE_LIMIT_MS = 20_000;
const [TAKER_PORT, TAKER_ADDRESS, NEIGHBOUR] = ['mv0', '10.1.0.5', '10.1.0.77'];

/**
 * Takes the uplink out of its bridge, gives it an address and a neighbour, and lets a macvlan have its frames, before the
 * agent can take it in again.
 */
async function takeUplink(stage: Stage): Promise<() => Promise<void>> {
  const { namespace } = stage;
  await whileStopped(stage, () =>
    ipBatch(namespace, [
      'link set eth1 nomaster',
      `link add ${TAKER_PORT} link eth1 type macvlan mode private`,
      `address add ${TAKER_ADDRESS}/24 dev eth1`,
      `neighbour add ${NEIGHBOUR} lladdr 02:00:00:00:00:77 dev eth1 nud permanent`,
    ]),
  );
  return async () => void ip(namespace, 'link', 'del', TAKER_PORT);
}

async function uplinkIsLeftAlone(stage: Stage): Promise<void> {
  const { t, namespace } = stage;
  await stage.says('warning');
  const witness = await startWitness(t, namespace);
  await severalPolls(stage);
  const touched = (await witness.events()).filter((line) => /inet|lladdr/.test(line));
  assert.deepEqual(touched, [], 'no address was touched');
  assert.equal(masterOf(namespace, 'eth1'), null);
}

/** The address and the neighbour are on the bridge, which has its uplink again. */
async function uplinkHasMoved(stage: Stage): Promise<void> {
  const { namespace } = stage;
  await waitUntil(() => masterOf(namespace, 'eth1') === FLAT_BRIDGE, 'the uplink is back', PAUSE_LIMIT_MS);
  assert.match(ip(namespace, 'address', 'show', 'dev', FLAT_BRIDGE), new RegExp(TAKER_ADDRESS));
  assert.match(
    ip(namespace, 'neighbour', 'show', 'dev', FLAT_BRIDGE),
    new RegExp(`${NEIGHBOUR} .*PERMANENT`),
  );
  await serves(stage);
}

export const STRANGER_FAULTS: readonly Fault[] = [
  {
    ...usual,
    name: '10,000 routes over a bridge of somebody else',
    agent: 'Nothing: it reads routes only where addresses move.',
    strike: async ({ namespace }) => {
      ipBatch(namespace, ['link add foreign0 type bridge', 'link set foreign0 up']);
      ipBatch(namespace, [
        'address add 172.17.0.1/16 dev foreign0',
        ...Array.from({ length: ROUTES }, (_, n) => `route add 10.${n >> 8}.${n & 255}.0/24 dev foreign0`),
      ]);
      return async () => void ip(namespace, 'link', 'del', 'foreign0');
    },
    expect: async (stage) => {
      await severalPolls(stage);
      const before = ticksOf(stage);
      await severalPolls(stage);
      const spent = ticksOf(stage) - before;
      assert.ok(spent <= POLLS_TICKS_MAX, `a second of polls took ${spent * 10} ms of processor time`);
    },
  },
  {
    ...usual,
    name: 'uplink with an address that the bridge refuses, since a macvlan has its frames',
    agent: 'Touches no address, warns, tries again after longer and longer pauses.',
    touches: ['eth1', FLAT_BRIDGE],
    strike: takeUplink,
    expect: uplinkIsLeftAlone,
    serves: uplinkHasMoved,
  },
  {
    ...usual,
    name: 'nft flush ruleset',
    agent:
      'Makes its own table again with the next pass: tagged frames of guests, and those to the switch, are dropped.',
    strike: async ({ namespace }) => {
      command('ip', 'netns', 'exec', namespace, 'nft', 'flush', 'ruleset');
      return async () => {};
    },
    expect: ({ namespace }) =>
      waitUntil(
        () => command('ip', 'netns', 'exec', namespace, 'nft', 'list', 'ruleset').includes('7433314'),
        'the table is back',
        PAUSE_LIMIT_MS,
      ),
  },
  {
    ...usual,
    name: 'net.ipv4.ip_forward = 1 for the whole host, as a container engine sets it',
    agent: 'Turns it off again on the bridges of guests, who reach nothing behind the host.',
    touches: LOCAL_BRIDGES,
    strike: async ({ namespace }) => {
      command('ip', 'netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
      return async () => {};
    },
    expect: ({ namespace }) =>
      waitUntil(
        () => command('ip', 'netns', 'exec', namespace, 'sysctl', '-n', FORWARDING).trim() === '0',
        'the bridge forwards nothing',
        PAUSE_LIMIT_MS,
      ),
  },
];
