import {
  type AgentStatus,
  type Change,
  linkName,
  type NetworkStatus,
  type PassSummary,
  physicalNetwork,
  type TapStatus,
} from '../../../src/model/index.js';
import { change, endpoint, NOW_MS, network, pass, tap, tunnelled, uuid } from './pieces.js';

/** Hosts as an agent might see them; every picture of the page is one of these. */

const MINUTE_MS = 60_000;

/** A host with two networks on which everything is as it should be. */
export function wellHost(): AgentStatus {
  const [web, storage, lab] = [
    network(1),
    network(2, { segment: 'flat on eth2', uplink: linkName('eth2') }),
    network(3, { segment: 'local', physicalNetwork: null, uplink: null }),
  ];
  const taps = [
    ...[1, 2, 3, 4, 5].map((number) => tap(number, web)),
    ...[6, 7].map((number) => tap(number, storage)),
    tap(8, lab),
  ];
  return {
    host: 'compute-17.example.org',
    version: '0.1.0',
    startedAtMs: NOW_MS - 26 * 60 * MINUTE_MS,
    nowMs: NOW_MS,
    lateMs: 0,
    generation: 'grizzly',
    database: {
      state: 'up',
      sinceMs: NOW_MS - 310 * MINUTE_MS,
      lastGoodPollAtMs: NOW_MS - 900,
      server: 'db1.example.org:3306',
      error: null,
      failedPolls: 0,
    },
    lastPass: pass(0),
    networks: [web, storage, lab],
    forwarding: { endpoints: 0, entries: 0, removalsPending: 0, hostsUnknown: 0 },
    taps,
    held: [],
    warnings: [],
    passes: passesOf(),
    changes: changesOf(web, taps),
  };
}

/** Some quiet, some busy, one failed; durations from two milliseconds to almost half a second. */
function passesOf(): PassSummary[] {
  const durations = [3.2, 12, 9, 41, 7, 160, 18, 4, 95, 30, 22, 8, 430, 12, 61, 5, 33, 17];
  return durations.map((durationMs, number) =>
    pass(number, {
      durationMs,
      trigger: number % 3 === 1 ? 'kernel' : 'poll',
      operations: number === 0 ? 0 : Math.ceil(durationMs / 12),
      failed: number === 8 ? 1 : 0,
      held: number === 5 ? 2 : 0,
      inSync: number !== 8 && number !== 5,
    }),
  );
}

function changesOf(home: NetworkStatus, taps: readonly TapStatus[]): Change[] {
  const [first, second] = taps;
  const bridge = home.bridge ?? linkName('brq0');
  const on = { network: home.id };
  return [
    change(1, {
      ...on,
      op: 'attach',
      device: first?.tap ?? bridge,
      port: first?.port ?? null,
      reason: `port ${first?.port} is up in the database`,
    }),
    change(1, { ...on, op: 'set-up', device: first?.tap ?? bridge, reason: 'a wired tap is up' }),
    change(3, {
      ...on,
      op: 'detach',
      device: second?.tap ?? bridge,
      reason: `port ${second?.port} is admin down`,
    }),
    change(8, {
      ...on,
      op: 'attach',
      device: linkName('eth1.101'),
      reason: `uplink of network ${home.id}`,
      error: 'EBUSY: Device or resource busy',
    }),
    change(12, {
      ...on,
      op: 'create-bridge',
      device: bridge,
      reason: 'the first tap of its network is here',
    }),
    change(12, {
      ...on,
      op: 'disable-ipv6',
      device: bridge,
      reason: 'the host takes no part in a network of guests',
    }),
    change(12, { ...on, op: 'set-bridge-options', device: bridge, reason: 'a tap has to forward at once' }),
  ];
}

/** Every state of a tap, a network that cannot be served, and held removals. */
export function troubledHost(): AgentStatus {
  const well = wellHost();
  const [web, storage, lab] = well.networks as [NetworkStatus, NetworkStatus, NetworkStatus];
  const unmapped = network(4, {
    segment: null,
    physicalNetwork: physicalNetwork('physnet9'),
    uplink: null,
    bridge: null,
    state: 'blocked',
    warning: {
      code: 'PHYSICAL_NETWORK_UNMAPPED',
      message:
        'Network 79b1 is flat on the physical network "physnet9", which no interface of this host is mapped to.',
    },
  });
  const port = (number: number): string => uuid(10_000 + number);
  return {
    ...well,
    networks: [web, storage, lab, unmapped],
    taps: [...well.taps, ...troubledTaps(web, storage, unmapped)],
    held: [
      {
        key: 'a',
        device: tap(20, web).tap,
        taps: 1,
        text: `detach ${tap(20, web).tap} from ${web.bridge}`,
        reason: '2 removals at once are more than max_removals (1)',
      },
      {
        key: 'b',
        device: tap(21, web).tap,
        taps: 1,
        text: `detach ${tap(21, web).tap} from ${web.bridge}`,
        reason: '2 removals at once are more than max_removals (1)',
      },
    ],
    warnings: [
      {
        code: 'REMOVALS_HELD',
        message: '2 removal(s) held back: 2 removals at once are more than max_removals (1)',
      },
      {
        code: 'PHYSICAL_NETWORK_UNMAPPED',
        message: `Port ${port(25)} is not wired: no interface is mapped to physnet9.`,
      },
      {
        code: 'PORT_BOUND_ELSEWHERE',
        message: `Port ${port(24)} is bound to compute-18.example.org, but its tap is here.`,
      },
    ],
    lastPass: pass(0, { held: 2, inSync: false }),
  };
}

/** One of each state that is not `wired`. */
function troubledTaps(web: NetworkStatus, storage: NetworkStatus, unmapped: NetworkStatus): TapStatus[] {
  const port = (number: number): string => uuid(10_000 + number);
  return [
    tap(20, web, {
      state: 'held',
      why: 'its port has no row any more; the removal waits for the operator',
    }),
    tap(21, web, {
      state: 'held',
      why: 'its port has no row any more; the removal waits for the operator',
    }),
    tap(22, web, {
      state: 'waiting',
      bridge: null,
      why: 'libvirt plugs it itself; looked at again in 2 s',
    }),
    tap(23, web, { state: 'down', bridge: null, why: 'the port is admin down' }),
    tap(24, storage, {
      state: 'left-alone',
      bridge: null,
      why: `port ${port(24)} is bound to compute-18.example.org`,
    }),
    tap(25, unmapped, {
      state: 'blocked',
      bridge: null,
      why: 'its network cannot be served: no interface is mapped to physnet9',
    }),
    tap(26, null, { state: 'no-row', port: null, why: 'no port has this tap’s name' }),
    tap(27, null, { state: 'unknown', port: null, why: 'the database has not been asked about it yet' }),
  ];
}

/** Networks behind tunnels: one that is well, one whose endpoints need a look, one that nobody else has. */
export function tunnelHost(): AgentStatus {
  const well = wellHost();
  const [app, shared, alone] = [
    tunnelled(
      5,
      [1, 2, 3, 4].map((number) => endpoint(number)),
    ),
    tunnelled(6, [
      endpoint(0, { endpoint: null, sinceMs: null, state: 'unknown', why: 'it has no row in agents' }),
      endpoint(31, {
        state: 'held',
        sinceMs: NOW_MS - 4 * MINUTE_MS,
        why: '7 of 20 ends of tunnels would go, and 4 may',
      }),
      endpoint(32, {
        state: 'leaving',
        sinceMs: NOW_MS - 20_000,
        why: 'no host of the network is there any more; it goes after three answers and a minute',
      }),
      ...Array.from({ length: 24 }, (_, at) => endpoint(40 + at)),
    ]),
    tunnelled(7, []),
  ];
  return {
    ...well,
    networks: [app, shared, alone],
    taps: [tap(30, app), tap(31, app), tap(32, shared), tap(33, alone)],
    forwarding: { endpoints: 28, entries: 30, removalsPending: 2, hostsUnknown: 1 },
  };
}

export function databaseDown(): AgentStatus {
  const well = wellHost();
  return {
    ...well,
    database: {
      ...well.database,
      state: 'down',
      sinceMs: NOW_MS - 12 * MINUTE_MS,
      lastGoodPollAtMs: NOW_MS - 12 * MINUTE_MS - 1_500,
      error:
        'MySQL at db1.example.org:3306, database "quantum" does not answer: connect ECONNREFUSED 192.0.2.7:3306.',
      failedPolls: 361,
    },
  };
}

export function emptyHost(): AgentStatus {
  return { ...wellHost(), networks: [], taps: [], changes: [], passes: [pass(0)], lastPass: pass(0) };
}

/** Just started; the database has not been asked. */
export function newHost(): AgentStatus {
  const database = {
    state: 'not-asked-yet',
    sinceMs: NOW_MS,
    lastGoodPollAtMs: null,
    server: null,
    error: null,
    failedPolls: 0,
  } as const;
  return {
    ...emptyHost(),
    startedAtMs: NOW_MS - 400,
    generation: null,
    database,
    lastPass: null,
    passes: [],
  };
}

/** A host with `taps` taps, twenty-five on a network; some of them are not wired. */
export function bigHost(taps: number): AgentStatus {
  const networks = Array.from({ length: Math.ceil(taps / 25) }, (_, at) => network(100 + at));
  return {
    ...wellHost(),
    networks,
    taps: Array.from({ length: taps }, (_, at) => {
      const home = networks[Math.floor(at / 25)] ?? null;
      return at % 331 === 7
        ? tap(at, home, { state: 'down', bridge: null, why: 'the port is admin down' })
        : tap(at, home);
    }),
  };
}
