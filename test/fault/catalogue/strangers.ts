import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ip, ipBatch } from '../../support/netns.js';
import { type Fault, severalPolls } from '../fault.js';
import { type Stage, serves } from '../stage.js';

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
      await severalPolls();
      const before = ticksOf(stage);
      await severalPolls();
      const spent = ticksOf(stage) - before;
      assert.ok(spent <= POLLS_TICKS_MAX, `a second of polls took ${spent * 10} ms of processor time`);
    },
  },
];
