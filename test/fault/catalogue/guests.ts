import assert from 'node:assert/strict';
import { waitUntil } from '../../support/databases/servers.js';
import { BROADCAST, markedFrame, openWire, taggedFrame } from '../../support/host/frames.js';
import { ip, ipJson, spawnIn } from '../../support/host/netns.js';
import type { Fault } from '../fault.js';
import { type Stage, serves } from '../stage.js';

/** What a guest does has nothing to do with the engine. */
const usual = {
  engines: ['PostgreSQL'],
  manners: { over: 'socket' },
  touches: [],
  serves,
} as const satisfies Partial<Fault>;

/** Frames that must go nowhere: whom they are to, and the tags before the type of their payload. */
const FORBIDDEN: Readonly<Record<string, readonly [to: string, tags: string]>> = {
  'VLAN 100': [BROADCAST, '81000064'],
  'VLAN 0 before VLAN 100': [BROADCAST, '8100000081000064'],
  'VLAN 1 before VLAN 100': [BROADCAST, '8100000181000064'],
  '802.1ad': [BROADCAST, '88a80064'],
  '0x9100': [BROADCAST, '91000064'],
  STP: ['0180c2000000', ''],
  GVRP: ['0180c2000021', ''],
  PVST: ['01000ccccccd', ''],
  CDP: ['01000ccccccc', ''],
};
const LAST = 'without a tag';

/** Frames keep their order: what the other guest has not got when it gets the last one, it does not get. */
async function forbiddenFramesGoNowhere({ t, guests: [sender, receiver] }: Stage): Promise<void> {
  const [from, to] = [openWire(t, sender.namespace, 'eth0'), openWire(t, receiver.namespace, 'eth0')];
  for (const [text, [whom, tags]] of Object.entries(FORBIDDEN)) from.send(taggedFrame(text, whom, tags));
  from.send(markedFrame(LAST));
  const arrived: Buffer[] = [];
  const has = (text: string): boolean => arrived.some((frame) => frame.includes(text));
  await waitUntil(() => {
    arrived.push(...to.received());
    return has(LAST);
  }, 'a frame without a tag');
  assert.deepEqual(Object.keys(FORBIDDEN).filter(has), []);
}

/** An address of the host that no bridge of its has: on a network of its own it would be that of its database, say. */
const HOST_ADDRESS = '10.88.0.1';

interface Neighbour {
  readonly state: readonly string[];
}

/** The guest's kernel asks three times, and then gives up. */
async function hostDoesNotAnswer({ guests: [guest] }: Stage): Promise<void> {
  spawnIn(guest.namespace, 'bash', '-c', `echo > /dev/udp/${HOST_ADDRESS}/9`);
  const found = () => ipJson<Neighbour>(guest.namespace, 'neighbour', 'show', HOST_ADDRESS);
  await waitUntil(
    () => found().some(({ state }) => !state.includes('INCOMPLETE')),
    'the guest knows whether somebody has the address',
  );
  assert.deepEqual(
    found().map(({ state }) => state),
    [['FAILED']],
  );
}

export const GUEST_FAULTS: readonly Fault[] = [
  {
    ...usual,
    name: 'a guest sends frames that are tagged, once or twice, and frames to the switch (STP, GVRP, PVST, CDP)',
    agent: 'Has them dropped where its tap comes in; every other frame passes.',
    strike: async () => async () => {},
    expect: forbiddenFramesGoNowhere,
  },
  {
    ...usual,
    name: 'a guest asks for an IPv4 address that the host has elsewhere',
    agent: 'The host takes no part in a network of guests: it does not answer.',
    strike: async ({ namespace, guests: [guest] }) => {
      ip(namespace, 'address', 'add', `${HOST_ADDRESS}/32`, 'dev', 'lo');
      ip(guest.namespace, 'route', 'add', HOST_ADDRESS, 'dev', 'eth0');
      return async () => void ip(namespace, 'address', 'del', `${HOST_ADDRESS}/32`, 'dev', 'lo');
    },
    expect: hostDoesNotAnswer,
  },
];
