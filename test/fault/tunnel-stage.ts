import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { DATABASE } from '../support/databases/servers.js';
import type { LogLine } from '../support/host/agent.js';
import { type Capture, startCapture } from '../support/host/capture.js';
import { type FakeClock, makeFakeClock } from '../support/host/fake-clock.js';
import { type Flows, startFlows } from '../support/host/flows.js';
import type { TestDatabase } from '../support/host/host.js';
import type { Cleanup } from '../support/host/netns.js';
import {
  type Booted,
  boot,
  type CloudHost,
  floodListOf,
  makeTunnelCloud,
  OTHER_TENANT,
  TENANT,
  waitForMesh,
} from '../support/host/tunnel-cloud.js';

/** What waits for a minute goes after so long. */
const MINUTE_S = 61;
const ROUNDS_MAX = 5;
/** No answer is given up because the clock was set. */
const AGENT = ['query_timeout = 1h', 'connect_timeout = 1h', 'polling_interval = 0.1'];
/** Several polls take so long. */
const POLLS_MS = 500;

/** Three hosts with a guest of one tenant on each, and of another tenant on the first two; all of them exchange packets. */
export interface TunnelStage {
  readonly hosts: readonly [CloudHost, CloudHost, CloudHost];
  readonly guests: readonly Booted[];
  readonly database: TestDatabase;
  /** As the administrator. */
  sql(statements: string): Promise<Record<string, unknown>[]>;
  /** Has the agents poll while minutes pass for them: where tunnels end is read each minute, and what is missing goes after one. */
  passMinutes(): Promise<void>;
  /** Puts the clock of the agents forward. */
  forward(seconds: number): void;
  /** Waits until everybody floods to everybody of the same tenant, and to nobody else, while minutes pass for the agents. */
  settled(): Promise<void>;
  /** The flood lists of all hosts. */
  lists(): readonly (string[] | null)[];
  /** A line that an agent logs after the fault began; waits for it. */
  says(host: CloudHost, message: string): Promise<LogLine>;
  warns(host: CloudHost, code: string): void;
  /** From now on lines count. */
  begin(): void;
  /** Packets that never came back since the last count, of these guests, and those that came to another tenant. */
  harm(): Promise<{ readonly lost: number; readonly sent: number; readonly strayed: number }>;
}

export async function makeTunnelStage(t: Cleanup, database: TestDatabase): Promise<TunnelStage> {
  const clock = makeFakeClock('both');
  const [one, two, three] = await makeTunnelCloud(t, database, {
    hosts: 3,
    agent: AGENT,
    environment: clock.environment,
  });
  assert.ok(one && two && three);
  const hosts = [one, two, three] as const;
  const guests: Booted[] = [];
  for (const [at, host] of hosts.entries()) guests.push(await boot(t, database, host, at + 1));
  const others: Booted[] = [];
  for (const [at, host] of [one, two].entries())
    others.push(await boot(t, database, host, at + 4, OTHER_TENANT));
  await waitForMesh(hosts, TENANT);
  await waitForMesh([one, two], OTHER_TENANT);
  const lists = () =>
    hosts.flatMap((host) => [TENANT, OTHER_TENANT].map((tenant) => floodListOf(host, tenant)));
  const whole = lists();
  const time = timed(clock);
  const flows = await startFlows(t, [...pairsOf(guests), ...pairsOf(others)]);
  const captures = await strangersTo(t, guests, others);
  return {
    ...watching(hosts),
    ...counting(flows, captures),
    ...time,
    hosts,
    guests,
    database,
    sql: (statements) => database.server.query(statements, DATABASE),
    lists,
    settled: async () => {
      await time.passMinutes();
      for (let round = 0; !isDeepStrictEqual(lists(), whole); round++) {
        assert.ok(round < ROUNDS_MAX, `the flood lists stay ${JSON.stringify(lists())}`);
        await time.passMinutes();
      }
    },
  };
}

const pairsOf = (guests: readonly Booted[]) =>
  guests.flatMap((from) => guests.filter((to) => to !== from).map((to) => ({ from, to })));

/** What comes to the guests of one tenant from those of the other. */
const strangersTo = async (
  t: Cleanup,
  guests: readonly Booted[],
  others: readonly Booted[],
): Promise<readonly Capture[]> => {
  const watched = [
    ...guests.map((guest) => ({ guest, from: others })),
    ...others.map((guest) => ({ guest, from: guests })),
  ];
  return Promise.all(
    watched.map(({ guest, from }) => {
      const filter = from.map(({ address }) => `host ${address}`).join(' or ');
      return startCapture(t, guest.namespace, 'eth0', filter);
    }),
  );
};

function watching(hosts: readonly CloudHost[]): Pick<TunnelStage, 'says' | 'warns' | 'begin'> {
  let marks = new Map<unknown, number>();
  const since = ({ agent }: CloudHost): number => marks.get(agent()) ?? 0;
  return {
    begin: () => {
      marks = new Map(hosts.map(({ agent }) => [agent(), agent().lines().length]));
    },
    says: (host, message) => host.agent().line(message, since(host)),
    warns: (host, code) => {
      const said = host.agent().saying('warning', since(host));
      assert.ok(
        said.some((line) => line.code === code),
        `${host.name} warns of ${said.map((line) => line.code)} instead of ${code}`,
      );
    },
  };
}

function counting(flows: Flows, captures: readonly Capture[]): Pick<TunnelStage, 'harm'> {
  let before = { sent: 0, lost: 0, strayed: 0 };
  return {
    harm: async () => {
      const counted = await flows.count();
      const sum = (what: 'sent' | 'lost'): number => counted.reduce((all, one) => all + one[what], 0);
      const strayed = captures.reduce((all, { count }) => all + count(), 0);
      const now = { sent: sum('sent'), lost: sum('lost'), strayed };
      const since = {
        sent: now.sent - before.sent,
        lost: now.lost - before.lost,
        strayed: now.strayed - before.strayed,
      };
      before = now;
      return since;
    },
  };
}

function timed(clock: FakeClock): Pick<TunnelStage, 'passMinutes' | 'forward'> {
  let offsetS = 0;
  const forward = (seconds: number): void => {
    offsetS += seconds;
    clock.set(offsetS);
  };
  return {
    forward,
    passMinutes: async () => {
      for (const pauseS of [0, MINUTE_S, MINUTE_S]) {
        forward(pauseS);
        await delay(POLLS_MS);
      }
    },
  };
}
