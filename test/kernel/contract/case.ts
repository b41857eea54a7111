import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openKernel } from '../../../src/kernel/kernel.js';
import type { HostSettings, PassReport, WarningCode } from '../../../src/model/index.js';
import { EMPTY_MEMORY, type Memory } from '../../../src/reconcile/remember/memory.js';
import {
  type Cleanup,
  enterNamespace,
  type IpLink,
  ipBatch,
  ipJson,
  makeNamespace,
} from '../../support/host/netns.js';
import { buildSettings } from '../../support/simulated/host-builder.js';
import { runOnce, TEST_NOW_MS } from '../../support/simulated/pass-runner.js';
import { type AnswerWords, buildAnswer } from '../../support/simulated/row-builder.js';

/** One line of the contract, on a kernel: what is there, what the database says, and what `ip` shows afterwards. */
export interface ContractCase {
  /** The line, as a sentence. */
  readonly line: string;
  /** `ip` commands that make the host, besides `eth1`, which is always there and up. */
  readonly before: readonly string[];
  /** Answers to the polls before the last one, whose passes the host has been through. */
  readonly earlier?: readonly AnswerWords[];
  /** `ip` commands of somebody else between those and the last poll. */
  readonly meanwhile?: readonly string[];
  readonly rows: AnswerWords;
  readonly settings?: Parameters<typeof buildSettings>[0];
  /** true: nobody has accepted the removals. */
  readonly isGuarded?: boolean;
  /** Every link but `lo` and the far end of the cable, see `hostInWords`. */
  readonly after: readonly string[];
  /** `1: DOWN -> ACTIVE`: a port by the first character of its id. */
  readonly statuses?: readonly string[];
  readonly warnings?: readonly WarningCode[];
}

/** A namespace with `eth1`, the process in it, and the real agent's passes on its real kernel. */
export interface Stage {
  readonly ns: string;
  readonly host: HostSettings;
  /** One poll with this answer and its pass; `plan` changes nothing. */
  pass(rows: AnswerWords, manner?: 'apply' | 'guarded' | 'plan'): PassReport;
  /** The agent's clock goes on. */
  wait(ms: number): void;
}

/** `eth1` is one end of a cable, `far` the other. */
export function makeStage(
  t: Cleanup,
  before: readonly string[],
  settings: Parameters<typeof buildSettings>[0] = {},
): Stage {
  const ns = makeNamespace(t);
  ipBatch(ns, ['link add eth1 up type veth peer name far', 'link set far up', ...before]);
  enterNamespace(t, ns);
  // Whether the kernel can drop tagged frames is the affair of one case only.
  const host = buildSettings({ dropTaggedFrames: false, ...settings });
  const kernel = openKernel();
  t.after(() => kernel.close());
  let memory: Memory = EMPTY_MEMORY;
  let nowMs = TEST_NOW_MS;
  return {
    ns,
    host,
    wait: (ms) => {
      nowMs += ms;
    },
    pass: (rows, manner = 'apply') => {
      nowMs += 1;
      kernel.askAgain();
      const accepted = manner === 'guarded' ? 'remembered' : 'all';
      const words = { memory, nowMs, accepted, apply: manner !== 'plan' } as const;
      const result = runOnce(kernel, host, buildAnswer(rows), words);
      if (manner !== 'plan') memory = result.memory;
      return result.report;
    },
  };
}

/** Runs a case as a test; a second pass has to find nothing left to do. */
export function testCase(one: ContractCase): void {
  test(one.line, (t) => {
    const stage = makeStage(t, one.before, one.settings);
    for (const rows of one.earlier ?? []) stage.pass(rows);
    if (one.meanwhile !== undefined) ipBatch(stage.ns, one.meanwhile);
    const report = stage.pass(one.rows, one.isGuarded ? 'guarded' : 'apply');
    const seen = {
      after: hostInWords(stage.ns),
      statuses: report.statuses.map(({ port, from, to }) => `${port.charAt(0)}: ${from} -> ${to}`),
      warnings: [...new Set(report.warnings.map(({ code }) => code))].sort(),
      failed: report.failed.map(({ failure }) => failure.message),
    };
    const { after, statuses = [], warnings = [] } = one;
    assert.deepEqual(seen, { after: [...after].sort(), statuses, warnings, failed: [] });
    const again = stage.pass(one.rows, one.isGuarded ? 'guarded' : 'plan');
    assert.deepEqual(again.operations, []);
  });
}

interface Row extends IpLink {
  readonly addr_info: readonly { readonly family: string; readonly scope: string; readonly local: string }[];
}

/**
 * Every link as `ip -j -d address` tells it, but `lo` and `far`: `NAME [in MASTER] [vlan ID on PARENT] up|down [for
 * NETWORK] [quiet] ADDRESS…`, where NETWORK is the first character of the id in the agent's label, and `quiet` means
 * `disable_ipv6`. A bridge with STP or a forward delay says so, as does a link whose MTU is not 1500.
 */
export const hostInWords = (ns: string): string[] =>
  ipJson<Row>(ns, 'address', 'show')
    .filter(({ ifname }) => ifname !== 'lo' && ifname !== 'far')
    .map(inWords)
    .sort();

function inWords({ ifname, link, master, flags, mtu, ifalias, linkinfo, addr_info }: Row): string {
  const { info_kind: kind, info_data: data = {} } = linkinfo ?? {};
  const label = /^quantum-linuxbridge-agent:(.)/.exec(ifalias ?? '')?.[1];
  const addresses = addr_info.filter(({ scope }) => scope !== 'link').map(({ local }) => local);
  return [
    ifname,
    ...(master === undefined ? [] : [`in ${master}`]),
    ...(kind === 'vlan' ? [`vlan ${data.id} on ${link}`] : []),
    flags.includes('UP') ? 'up' : 'down',
    ...(label === undefined ? [] : [`for ${label}`]),
    ...(isQuiet(ifname) ? ['quiet'] : []),
    ...(kind === 'bridge' && data.stp_state !== 0 ? ['stp'] : []),
    ...(kind === 'bridge' && data.forward_delay !== 0 ? ['delay'] : []),
    ...(mtu === 1500 ? [] : [`mtu ${mtu}`]),
    ...addresses,
  ].join(' ');
}

/** /proc/sys/net shows the namespace of the reading thread, which is in the stage's. */
export const sysctlOf = (link: string, setting: string): string =>
  readFileSync(`/proc/sys/net/ipv6/conf/${link}/${setting}`, 'utf8').trim();

/** A link with an MTU below 1280 has no IPv6, and no settings of it. */
const isQuiet = (link: string): boolean =>
  existsSync(`/proc/sys/net/ipv6/conf/${link}`) && sysctlOf(link, 'disable_ipv6') === '1';
