import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { Manner } from '../../support/databases/relay.js';
import { BACK, EVERY_ENGINE, type Fault, LOST } from '../fault.js';
import { type Stage, serves } from '../stage.js';

const usual = {
  engines: EVERY_ENGINE,
  manners: { over: 'tcp' },
  touches: [],
  expect: async ({ says }: Stage) => void (await says(LOST)),
  serves: async (stage: Stage) => {
    await stage.says(BACK);
    await serves(stage);
  },
} as const satisfies Partial<Fault>;

const OUTAGE = 'says once that the database is lost, changes nothing, tries again until it is back.';

const answers =
  (manner: Manner): Fault['strike'] =>
  async ({ relay }) => {
    assert.ok(relay !== null);
    relay.behave(manner);
    return async () => relay.behave({ kind: 'pass' });
  };

/** Neither side hears that the other one is not heard. */
async function dropPackets({ databaseNamespace }: Stage): Promise<() => Promise<void>> {
  assert.ok(databaseNamespace !== null);
  const nft = (rules: string): void => {
    execFileSync('ip', ['netns', 'exec', databaseNamespace, 'nft', '-f', '-'], { input: rules });
  };
  nft('table inet silence {\nchain input {\ntype filter hook input priority 0\ntcp dport 5999 drop\n}\n}');
  return async () => nft('delete table inet silence');
}

export const NETWORK_FAULTS: readonly Fault[] = [
  {
    ...usual,
    name: 'connection reset in the middle of an answer',
    agent: `Uses nothing of a cut answer; ${OUTAGE}`,
    strike: answers({ kind: 'reset', afterBytes: 40 }),
  },
  {
    ...usual,
    name: 'answers cut in the middle, connection left open',
    agent: `Gives up waiting after query_timeout; ${OUTAGE}`,
    strike: answers({ kind: 'cut', afterBytes: 40 }),
  },
  {
    ...usual,
    name: 'answers delayed byte by byte, too slow for query_timeout',
    agent: `Gives up waiting after query_timeout; ${OUTAGE}`,
    strike: answers({ kind: 'drip', everyMs: 50 }),
  },
  {
    ...usual,
    // mysql2 ends the connection too, but prints a line of its own on stderr, where every line is the log's.
    engines: ['PostgreSQL'],
    name: 'answers replaced by zero bytes',
    agent: `Gives the connection up; ${OUTAGE}`,
    strike: answers({ kind: 'noise', byte: 0 }),
  },
  {
    ...usual,
    name: 'answers replaced by 0xff bytes',
    agent: `Gives the connection up; ${OUTAGE}`,
    strike: answers({ kind: 'noise', byte: 0xff }),
  },
  {
    ...usual,
    name: 'packets to the server dropped silently',
    agent: `Gives up waiting after query_timeout and connect_timeout; ${OUTAGE}`,
    strike: dropPackets,
  },
];
