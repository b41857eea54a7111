import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConfigFile, makeConfig, type RunningAgent, socketUrl, startAgent } from '../support/agent.js';
import { type Cleanup, endProcess, makeNamespace, makeTaps } from '../support/netns.js';
import type { TestServer } from '../support/schema-servers.js';

/** What a scenario is given: it leaves nothing behind that `after` does not end. */
export type Bench = Cleanup;

/** Runs `work` and ends everything it started, in reverse order, also when it fails. */
export async function withBench<Value>(work: (bench: Bench) => Promise<Value>): Promise<Value> {
  const ends: (() => void | Promise<void>)[] = [];
  try {
    return await work({ after: (end) => void ends.push(end) });
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

export const HOST = 'host1';
const hex = (number: number): string => (0x10000000 + number).toString(16);
/** Ids whose first 11 characters tell them apart. */
export const portId = (number: number): string => `${hex(number)}-aaaa-4000-8000-0000${hex(number)}`;
export const networkId = (number: number): string => `${hex(number)}-bbbb-4000-8000-0000${hex(number)}`;
export const tapOf = (number: number): string => `tap${portId(number).slice(0, 11)}`;
export const bridgeOf = (number: number): string => `brq${networkId(number).slice(0, 11)}`;

export interface Cloud {
  /** Ports of this host, with numbers from 1; they are spread evenly over the networks. */
  readonly ports: number;
  readonly networks: number;
  /** `vlan_id` of the bindings: -2 local, -1 flat on physnet1. */
  readonly vlanId?: number;
  /** Ports of other hosts besides. */
  readonly elsewhere?: number;
}

const BATCH = 5_000;

/** Fills the Grizzly tables of a server. */
export async function fillCloud(
  server: TestServer,
  { ports, networks, vlanId = -2, elsewhere = 0 }: Cloud,
): Promise<void> {
  const physical = vlanId === -1 ? `'physnet1'` : 'null';
  await insert(server, 'networks (id)', networks, (n) => `('${networkId(n)}')`);
  await insert(
    server,
    'network_bindings (network_id, physical_network, vlan_id)',
    networks,
    (n) => `('${networkId(n)}', ${physical}, ${vlanId})`,
  );
  const port = (n: number): string =>
    `('${portId(n)}', '${networkId(((n - 1) % networks) + 1)}', true, 'DOWN', '')`;
  await insert(
    server,
    'ports (id, network_id, admin_state_up, status, device_owner)',
    ports + elsewhere,
    port,
  );
  await insert(
    server,
    'portbindingports (port_id, host)',
    ports + elsewhere,
    (n) => `('${portId(n)}', '${n <= ports ? HOST : `other${n % 1000}`}')`,
  );
}

async function insert(
  server: TestServer,
  into: string,
  count: number,
  row: (number: number) => string,
): Promise<void> {
  for (let from = 1; from <= count; from += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, count - from + 1) }, (_, index) => row(from + index));
    await server.query(`insert into ${into} values ${rows.join(', ')}`, 'quantum');
  }
}

/** A namespace with taps 1 to `count`. */
export function hostWithTaps(bench: Bench, count: number): string {
  const namespace = makeNamespace(bench);
  if (count > 0)
    makeTaps(
      namespace,
      Array.from({ length: count }, (_, index) => tapOf(index + 1)),
    );
  return namespace;
}

/** Starts the built agent and waits until its first pass with an answer is done. */
export async function runningAgent(
  bench: Bench,
  namespace: string,
  server: TestServer,
  options: { readonly pollingInterval: number; readonly mappings?: string },
): Promise<RunningAgent> {
  const config = configFor(server, options);
  const agent = await startAgent(bench, namespace, config);
  await agent.line('agent started');
  await delay(1_500);
  return agent;
}

export const configFor = (
  server: TestServer,
  { pollingInterval, mappings = '' }: { readonly pollingInterval: number; readonly mappings?: string },
): ConfigFile =>
  makeConfig({
    url: socketUrl(server),
    mappings,
    agent: [`polling_interval = ${pollingInterval}`],
  });

/** CPU time of a process so far, in milliseconds, user and system. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  // Clock ticks are 10 ms on Linux (USER_HZ is 100 for every program).
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Resident memory of a process in MiB. */
export const rssMib = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

/** When each tap appeared and when it joined a bridge, as `ip monitor` saw it: the witness is not the agent. */
export interface Stopwatch {
  /** Milliseconds from the tap's first event to the one that shows a master; waits for it up to `limitMs`. */
  lap(tap: string, limitMs?: number): Promise<number>;
  forget(): void;
}

interface Seen {
  readonly index: string;
  readonly bornMs: number;
  joinedMs: number | null;
}

export async function startStopwatch(bench: Bench, namespace: string): Promise<Stopwatch> {
  const monitor = spawn('ip', ['-n', namespace, '-ts', '-o', 'monitor', 'link'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  bench.after(() => endProcess(monitor));
  const seen = new Map<string, Seen>();
  createInterface({ input: monitor.stdout }).on('line', (line) => note(seen, line));
  await delay(200);
  return {
    lap: async (tap, limitMs = 10_000) => {
      for (const untilMs = performance.now() + limitMs; performance.now() < untilMs; await delay(2)) {
        const one = seen.get(tap);
        if (one?.joinedMs != null) return one.joinedMs - one.bornMs;
      }
      throw new Error(`${tap} was in no bridge within ${limitMs} ms`);
    },
    forget: () => seen.clear(),
  };
}

/** A line such as `[2026-01-02T03:04:05.123456] 7: tap…: <…> mtu 1500 master brq… state …`. */
function note(seen: Map<string, Seen>, line: string): void {
  const found = /^\[([^\]]+)\] (\d+): ([^:@]+)/.exec(line);
  const [, time, index, name] = found ?? [];
  if (time === undefined || index === undefined || name === undefined) return;
  const atMs = Date.parse(`${time.slice(0, 19)}Z`) + Number(`0.${time.slice(20)}`) * 1000;
  const before = seen.get(name);
  if (before?.index !== index) seen.set(name, { index, bornMs: atMs, joinedMs: null });
  const one = seen.get(name);
  if (one !== undefined && one.joinedMs === null && / master brq/.test(line)) one.joinedMs = atMs;
}

/** `ip -batch -` kept running: makes and deletes taps without the cost of starting a process for each. */
export interface TapMaker {
  make(tap: string): void;
  remove(tap: string): void;
}

export function startTapMaker(bench: Bench, namespace: string): TapMaker {
  const batch = spawn('ip', ['-n', namespace, '-force', '-batch', '-'], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  bench.after(() => endProcess(batch));
  return {
    make: (tap) => void batch.stdin.write(`tuntap add dev ${tap} mode tap\n`),
    remove: (tap) => void batch.stdin.write(`link delete ${tap}\n`),
  };
}
