import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  commandsOf,
  FLOOD_MAC,
  fingerprintOf,
  type GuardSettings,
  type HostState,
  ifIndex,
  type Link,
  networkId,
  type PassReport,
  type Port,
  portId,
} from '../../src/model/index.js';
import { pairKey } from '../../src/reconcile/forwarding/differences.js';
import { NO_PAIR_MEMORY } from '../../src/reconcile/forwarding/guard-pairs.js';
import { EMPTY_GUARD } from '../../src/reconcile/guard/guard-memory.js';
import { EMPTY_MEMORY, type Memory } from '../../src/reconcile/remember/memory.js';
import { routesOn } from '../support/simulated/host.js';
import { buildLinks, buildSettings, type LinkWords } from '../support/simulated/host-builder.js';
import { type SimulatedKernelOptions, simulateKernel } from '../support/simulated/kernel.js';
import { DEFAULT_GUARD, runOnce, TEST_NOW_MS } from '../support/simulated/pass-runner.js';
import {
  type AnswerWords,
  buildAnswer,
  buildPort,
  buildSegment,
  type PortWords,
  type SegmentWords,
} from '../support/simulated/row-builder.js';

/** What `rows.json` of a case holds: the database's answer, and whatever else is not as in a first poll. */
interface CaseWords extends AnswerWords {
  /** The line of the contract, or the row of the oracle, that the case is about. */
  readonly why: string;
  readonly settings?: Parameters<typeof buildSettings>[0];
  readonly guard?: Omit<GuardSettings, 'windowMs'>;
  /** true: the database does not answer; the pass works from `known` and `networks`. */
  readonly silent?: boolean;
  /** Ports known from an earlier poll. */
  readonly known?: readonly PortWords[];
  /** By which segment each network was last served, and through which link. */
  readonly inPlace?: Readonly<Record<string, readonly [SegmentWords, string]>>;
  readonly lastServer?: string;
  /** Ports for which ACTIVE was written so many milliseconds ago. */
  readonly activeSinceMs?: Readonly<Record<string, number>>;
  /** These removals have been asked for in so many polls, beginning so many minutes ago. */
  readonly confirmed?: { readonly polls: number; readonly minutes: number; readonly keys: readonly string[] };
  /** Keys that the operator has accepted, or `all`. */
  readonly accepted?: readonly string[] | 'all';
  /** Links that were made after the database had been asked. */
  readonly madeSince?: readonly string[];
  /** Entries that have been missed by two answers, beginning two minutes ago: the network and the end. */
  readonly missed?: readonly (readonly [string, string])[];
  /** Taps without a master have been seen that long ago. */
  readonly seenSinceMs?: number;
  readonly kernel?: Pick<SimulatedKernelOptions, 'vlanFiltering' | 'vlans' | 'tapFilter'>;
}

/** What `plan.json` holds: the report of the pass, and the links as they are afterwards. */
export type CaseResult = ReturnType<typeof resultOf>;

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

export const expectedOf = (folder: string): unknown => readJson(join(folder, 'plan.json'));

/** Runs one case: a pass, and another one that has to find nothing left to do. */
export function runCase(folder: string): CaseResult & { readonly secondPlan: readonly unknown[] } {
  const words = readJson(join(folder, 'rows.json')) as CaseWords;
  const links = buildLinks(readJson(join(folder, 'links.json')) as LinkWords[]);
  const host = buildSettings(words.settings ?? {});
  const kernel = simulateKernel(links, words.kernel);
  const answer = words.silent === true ? null : buildAnswer(words);
  const options = {
    memory: memoryOf(words, links),
    guard: { ...DEFAULT_GUARD, ...words.guard },
    accepted: words.accepted === 'all' ? ('all' as const) : ('remembered' as const),
    madeSince: words.madeSince ?? [],
  };
  const { report, memory } = runOnce(kernel, host, answer, options);
  const next = { ...memory, guard: EMPTY_GUARD };
  const second = runOnce(kernel, host, answer, { ...options, memory: next, apply: false });
  return { ...resultOf(report, kernel.observe()), secondPlan: second.report.operations };
}

function memoryOf(words: CaseWords, links: readonly Link[]): Memory {
  const { networks, forwarding } = buildAnswer(words);
  const known = (words.known ?? []).map((one): [Link['name'], Port] => {
    const port = buildPort(one, words.generation);
    return [`tap${port.interfaceId.slice(0, 11)}` as Link['name'], port];
  });
  const inPlace = Object.entries(words.inPlace ?? {}).map(([network, [segment, name]]) => {
    const carrier = links.find((link) => link.name === name)?.index ?? ifIndex(0);
    return [networkId(network), { segment: buildSegment(segment), carrier }] as const;
  });
  const seenMs = TEST_NOW_MS - (words.seenSinceMs ?? 0);
  const { confirmed } = words;
  return {
    ...EMPTY_MEMORY,
    known: new Map(known),
    networks: new Map(words.known === undefined ? [] : networks.map((network) => [network.id, network])),
    forwarding: words.known === undefined ? null : (forwarding ?? null),
    inPlace: new Map(inPlace),
    activeLately: new Map(
      Object.entries(words.activeSinceMs ?? {}).map(([id, agoMs]) => [portId(id), TEST_NOW_MS - agoMs]),
    ),
    firstSeenMs: new Map(links.map(({ index }) => [index, seenMs])),
    server:
      words.lastServer === undefined
        ? null
        : { id: words.lastServer, believed: words.lastServer, doubt: null },
    accepted: new Set(Array.isArray(words.accepted) ? words.accepted : []),
    guard: {
      ...EMPTY_GUARD,
      pairs: {
        ...NO_PAIR_MEMORY,
        missing: new Map(
          (words.missed ?? []).map(([network, endpoint]) => [
            pairKey(networkId(network), endpoint),
            { answers: 2, sinceMs: TEST_NOW_MS - 120_000 },
          ]),
        ),
      },
      confirmation:
        confirmed === undefined
          ? null
          : {
              fingerprint: fingerprintOf(confirmed.keys.map((key) => ({ key }))) ?? '',
              polls: confirmed.polls,
              sinceMs: TEST_NOW_MS - confirmed.minutes * 60_000,
            },
    },
  };
}

const resultOf = (report: PassReport, after: HostState) => ({
  inSync: report.inSync,
  operations: report.operations.map((operation) => ({
    op: operation.op,
    device: operation.device,
    reason: operation.reason,
    commands: commandsOf(operation),
  })),
  failed: report.failed.map(
    ({ operation, failure }) => `${operation.op} ${operation.device}: ${failure.errno}`,
  ),
  held: report.held.map(({ text, taps, reason }) => ({ text, taps, reason })),
  statuses: report.statuses.map(({ port, from, to }) => `${port}: ${from} -> ${to}`),
  warnings: report.warnings.map(({ code, message, port }) => ({ code, message, ...(port ? { port } : {}) })),
  after: [...after.links.values()].map((link) => inWords(link, after)),
});

function inWords(link: Link, host: HostState): string {
  const master = link.master === null ? null : host.links.get(link.master)?.name;
  const addresses = link.addresses.filter(({ scope }) => scope !== 253).map(({ address }) => address);
  return [
    link.name,
    ...(master === null ? [] : [`in ${master}`]),
    link.up ? 'up' : 'down',
    ...addresses,
    ...(host.forwarding.get(link.index) ?? []).map(({ mac, endpoint }) =>
      mac === FLOOD_MAC ? `floods to ${endpoint}` : `${mac} behind ${endpoint}`,
    ),
    ...routesOn(link).map(({ destination, gateway }) => `${destination} via ${gateway ?? 'link'}`),
  ].join(' ');
}
