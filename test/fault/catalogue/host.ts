import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fill } from '../../support/databases/small-disk.js';
import { makeFakeClock } from '../../support/host/fake-clock.js';
import { bridgeOf, makeTapsOf, masterOf, portId, tapOf, waitForMaster } from '../../support/host/host.js';
import { ip, ipBatch, makeVeth, spawnIn } from '../../support/host/netns.js';
import { startSquatter } from '../../support/host/squatter.js';
import { type Fault, severalPolls } from '../fault.js';
import { FLAT, FLAT_PORTS, LOCAL, type Stage, serves, whileStopped } from '../stage.js';

/** What happens to the host or to the agent has little to do with the engine: one of them is enough. */
const usual = {
  engines: ['PostgreSQL'],
  manners: { over: 'socket' },
  touches: [],
  expect: severalPolls,
  serves,
} as const satisfies Partial<Fault>;

const EXTRA_PORT = portId(7);
const [RETAPPED = ''] = FLAT_PORTS;
const FLAT_BRIDGE = bridgeOf(FLAT);
/** The agent's wall clock; intervals are measured by the machine's own. */
const CLOCK = makeFakeClock('wall');

const clockBy = (name: string, offsetS: number): Fault => ({
  ...usual,
  manners: { over: 'socket', environment: CLOCK.environment },
  name,
  agent: 'Nothing: intervals are measured with a clock that nobody sets.',
  strike: async () => {
    CLOCK.set(offsetS);
    return async () => CLOCK.set(0);
  },
  expect: async (stage) => {
    await severalPolls(stage);
    // The log tells the agent's own time: it is proven that the clock was set.
    await stage.sql(`update ports set status = 'BUILD' where id = '${RETAPPED}'`);
    const { time } = await stage.says('statuses written');
    assert.ok(Math.abs(Date.parse(time) - Date.now()) > 3_000_000, `the agent's clock says ${time}`);
  },
});

const EVENTS_AT_ONCE = 10_000;
const BURSTS_MAX = 10;
/** What the agent listens to: links, IPv4 and IPv6 addresses, IPv4 settings, as /proc tells it. */
const AGENT_GROUPS = '00800111';

/** Changes a device of nobody's until the kernel had to drop notifications for the agent. */
async function overrun({ namespace, agent }: Stage): Promise<void> {
  // The kernel announces a new alias of links that are up only.
  ipBatch(namespace, ['link add noise type veth peer name esion', 'link set noise up']);
  const lines = Array.from({ length: EVENTS_AT_ONCE }, (_, n) => `link set noise alias ${n}`).join('\n');
  for (let burst = 0; droppedFor(agent.pid) === 0; burst++) {
    assert.ok(burst < BURSTS_MAX, 'nothing was dropped: it is no overrun');
    // Without waiting for it synchronously: the witness's output must be read meanwhile.
    const batch = spawnIn(namespace, 'ip', '-batch', '-');
    const ended = once(batch, 'exit');
    batch.stdin?.end(lines);
    await ended;
  }
}

/** Notifications that the kernel had to drop in the namespace of a process, for those who listen as the agent does. */
function droppedFor(pid: number): number {
  const sockets = readFileSync(`/proc/${pid}/net/netlink`, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  // Columns: sk, protocol, port id, groups, receive and send memory, dump, locks, drops, inode.
  const own = sockets.filter(([, protocol, , groups]) => protocol === '0' && groups === AGENT_GROUPS);
  return Math.max(0, ...own.map((columns) => Number(columns[8])));
}

async function unplugUplink({ namespace, outside }: Stage): Promise<() => Promise<void>> {
  ip(namespace, 'link', 'del', 'eth1');
  return async () => makeVeth(namespace, 'eth1', outside, 'far');
}

async function uplinkIsBack(stage: Stage): Promise<void> {
  await waitForMaster(stage.namespace, 'eth1', FLAT_BRIDGE);
  await serves(stage);
}

/** Wires one more port, which has to be kept and cannot be. */
async function worksWithoutState(stage: Stage): Promise<void> {
  const { rows, namespace } = stage;
  await rows.port({ id: EXTRA_PORT, network: LOCAL, host: 'host1' });
  makeTapsOf(namespace, EXTRA_PORT);
  await waitForMaster(namespace, tapOf(EXTRA_PORT), bridgeOf(LOCAL));
  await stage.says('what is known could not be kept in state_dir, the agent works on');
}

export const HOST_FAULTS: readonly Fault[] = [
  clockBy('clock set back by a day', -86_400),
  clockBy('clock set forward by a day', 86_400),
  {
    ...usual,
    name: 'agent killed (SIGKILL), a tap made meanwhile, agent started again',
    agent: 'Adopts what is there, wires the new tap.',
    strike: async (stage) => {
      stage.agent.signal('SIGKILL');
      await stage.agent.ended();
      return async () => void (await stage.startAgain());
    },
    expect: async () => {},
  },
  {
    ...usual,
    name: 'second agent (run, once) started beside the first',
    agent: 'The second one ends with 69, the first one is not disturbed.',
    strike: async ({ cli }) => {
      for (const command of ['run', 'once']) assert.equal((await cli(command)).code, 69);
      return async () => {};
    },
  },
  {
    ...usual,
    name: 'an ordinary user takes the name that was the one-agent lock, and the agent is started again',
    agent: 'Starts: only who may change links can hold the lock. A second agent ends with 69 all the same.',
    strike: async (stage) => {
      stage.agent.signal('SIGKILL');
      await stage.agent.ended();
      await startSquatter(stage.t, stage.namespace);
      await stage.startAgain();
      assert.equal((await stage.cli('once')).code, 69);
      return async () => {};
    },
  },
  {
    ...usual,
    name: 'link events in bursts of 10,000 while the agent is stopped, until the kernel drops some (overrun)',
    agent: 'Reads everything again.',
    strike: (stage) => whileStopped(stage, () => overrun(stage)),
  },
  {
    ...usual,
    name: 'tap deleted and made again with the same name between two passes',
    agent: 'Sees another interface index and wires the new tap.',
    touches: [tapOf(RETAPPED)],
    strike: async (stage) => {
      const { namespace } = stage;
      const tap = tapOf(RETAPPED);
      return whileStopped(stage, () => {
        ip(namespace, 'link', 'del', tap);
        makeTapsOf(namespace, RETAPPED);
      });
    },
    expect: ({ namespace }) => waitForMaster(namespace, tapOf(RETAPPED), FLAT_BRIDGE),
  },
  {
    ...usual,
    name: 'uplink interface unplugged (deleted) and back',
    agent: 'Warns, leaves the taps in their bridge, takes the interface in again.',
    touches: ['eth1', FLAT_BRIDGE],
    strike: unplugUplink,
    expect: async ({ says, namespace }) => {
      await says('warning');
      for (const port of FLAT_PORTS) assert.equal(masterOf(namespace, tapOf(port)), FLAT_BRIDGE);
    },
    serves: uplinkIsBack,
  },
  {
    ...usual,
    name: 'cable of the uplink pulled and plugged in',
    agent: 'Nothing.',
    touches: ['eth1', FLAT_BRIDGE],
    strike: async ({ outside }) => {
      ip(outside, 'link', 'set', 'far', 'down');
      return async () => void ip(outside, 'link', 'set', 'far', 'up');
    },
    expect: async (stage) => {
      await severalPolls(stage);
      assert.equal(masterOf(stage.namespace, 'eth1'), FLAT_BRIDGE);
      assert.ok(!stage.said('host changed'));
    },
  },
  {
    ...usual,
    name: 'file system of state_dir full',
    agent: 'Says once that what is known is not kept, works on.',
    manners: { over: 'socket', stateDir: 'small' },
    strike: async ({ config }) => {
      const filler = join(config.stateDir, 'filler');
      fill(filler, config.stateDir);
      return async () => rmSync(filler);
    },
    expect: worksWithoutState,
  },
  {
    ...usual,
    name: 'file system of state_dir frozen (fsfreeze), as for a backup',
    agent: 'Waits for no write of its own; says once that the disk does not answer, works on.',
    manners: { over: 'socket', stateDir: 'freezable' },
    strike: async ({ disk }) => {
      assert.ok(disk !== null);
      await disk.freeze();
      return disk.thaw;
    },
    expect: async (stage) => {
      await worksWithoutState(stage);
      assert.equal((await stage.cli('status')).code, 0);
    },
  },
];
