import {
  type Forwarding,
  type HostSettings,
  type HostState,
  type NetworkId,
  networkOfLabel,
  type Operation,
  type PassReport,
} from '../../../src/model/index.js';
import { EMPTY_MEMORY, type Memory } from '../../../src/reconcile/remember/memory.js';
import { questionFor } from '../../../src/reconcile/remember/question.js';
import { viewOf } from '../../../src/reconcile/see/view.js';
import { buildLinks, buildSettings } from '../../support/simulated/host-builder.js';
import { type SimulatedKernel, SimulatedKill, simulateKernel } from '../../support/simulated/kernel.js';
import { runOnce } from '../../support/simulated/pass-runner.js';
import { type Asked, endOf, type Told } from './cloud.js';

/** A fault of the agent's, planted in what it is given or in what it gives. */
export interface Bug {
  readonly name: string;
  readonly told?: (told: Told) => Told;
  readonly memory?: (memory: Memory) => Memory;
  readonly operations?: (operations: readonly Operation[], host: string) => readonly Operation[];
}

/** What became of one pass. */
export interface Passed {
  readonly before: HostState;
  /** The host after each operation, in order. */
  readonly states: readonly HostState[];
  readonly operations: readonly Operation[];
  /** null: the agent was killed in the middle of it. */
  readonly report: PassReport | null;
}

/** A host with an agent; what is kept on disk outlives the agent. */
export interface TunnelHost {
  readonly name: string;
  readonly kernel: SimulatedKernel;
  asks(nowMs: number): Asked;
  /** null: the database does not answer. */
  pass(told: Told | null, nowMs: number): Passed;
  /** The agent is killed, and another one starts with what was kept. */
  startAgain(): void;
  /** So many operations go ahead before the agent is killed; null: it is not. */
  killIn: number | null;
}

export function makeTunnelHost(name: string, bug: Bug | null): TunnelHost {
  const settings: HostSettings = {
    ...buildSettings({ host: name, interfaces: [], tunnels: { local: endOf(name) }, plugGraceMs: 0 }),
  };
  const fault = (): null => {
    if (host.killIn === null) return null;
    if (host.killIn === 0) throw new SimulatedKill();
    host.killIn -= 1;
    return null;
  };
  const kernel = simulateKernel(buildLinks([{ name: 'eth0', addresses: [`${endOf(name)}/24`] }]), { fault });
  let memory: Memory = EMPTY_MEMORY;
  let kept: Memory['guard'] = memory.guard;
  const run = (told: Told | null, nowMs: number, operations: Operation[]): PassReport | null => {
    const given = bug?.memory?.(memory) ?? memory;
    const heard = told === null ? null : (bug?.told?.(told) ?? told);
    const watched = {
      ...kernel,
      apply: (planned: readonly Operation[]) => {
        const done = bug?.operations?.(planned, name) ?? planned;
        operations.push(...done);
        return kernel.apply(done);
      },
    };
    try {
      const { report, memory: after } = runOnce(watched, settings, heard?.answer ?? null, {
        memory: given,
        nowMs,
        ...(heard?.wentBack && { wentBack: heard.wentBack }),
        kept: (guard) => {
          kept = guard;
        },
      });
      memory = after;
      kept = after.guard;
      return report;
    } catch (error) {
      if (!(error instanceof SimulatedKill)) throw error;
      host.startAgain();
      return null;
    }
  };
  const host: TunnelHost = {
    name,
    kernel,
    killIn: null,
    asks: (nowMs) => {
      const view = viewOf(kernel.observe(), settings);
      const { vnis = [] } = questionFor(view, memory, nowMs);
      return {
        taps: new Set([...view.observed.links.values()].map((link) => link.name)),
        bridges: [...view.agentBridges.values()].flatMap(({ alias }) => networkOfLabel(alias) ?? []),
        vnis,
      };
    },
    pass: (told, nowMs) => {
      const before = kernel.observe();
      const from = kernel.states.length;
      const operations: Operation[] = [];
      const report = run(told, nowMs, operations);
      return { before, states: kernel.states.slice(from), operations, report };
    },
    startAgain: () => {
      host.killIn = null;
      memory = { ...EMPTY_MEMORY, guard: kept };
    },
  };
  return host;
}

/** The tunnel that is the uplink of a network, whom it floods to, and whether it works; null: there is none in its bridge. */
export function uplinkOf(
  { links, forwarding }: { readonly links: HostState['links']; readonly forwarding: Forwarding },
  network: string,
): {
  readonly vni: number;
  readonly up: boolean;
  readonly mtu: number;
  readonly ends: readonly string[];
} | null {
  for (const link of links.values()) {
    if (link.detail.kind !== 'vxlan' || link.master === null) continue;
    if (networkIn(links, link.master) !== network) continue;
    const ends = (forwarding.get(link.index) ?? []).flatMap(({ mac, endpoint }) =>
      mac === '00:00:00:00:00:00' ? [endpoint] : [],
    );
    return { vni: link.detail.vni, up: link.up, mtu: link.mtu, ends: ends.sort() };
  }
  return null;
}

export const networkIn = (links: HostState['links'], bridge: number): NetworkId | null =>
  networkOfLabel([...links.values()].find(({ index }) => index === bridge)?.alias ?? '');
