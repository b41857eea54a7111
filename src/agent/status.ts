import type { AgentStatus, HeldRemoval, IfIndex } from '../model/index.js';
import { allDesiredTaps, type TapDecision } from '../reconcile/decide/desired.js';
import { NO_PAIR_MEMORY } from '../reconcile/forwarding/guard-pairs.js';
import type { PassResult } from '../reconcile/pass.js';
import type { Memory } from '../reconcile/remember/memory.js';
import type { View } from '../reconcile/see/view.js';
import { type Decided, networkStatuses, tapStatuses } from '../reconcile/tell/overview.js';
import { forwardingStatus, type ShownTunnels } from '../reconcile/tell/tunnels.js';
import { lastView } from './kernel-pass.js';
import type { AgentState } from './state.js';

/**
 * How the running agent sees the host. Made only when somebody asks, from the host as the last pass left it: nothing is
 * read, and the kernel's notifications stay where the loop finds them. O(links and entries).
 */
export function statusOf(self: AgentState): AgentStatus {
  const { history } = self;
  const { held = [], warnings = [] } = self.answered?.report ?? {};
  const view = lastView(self);
  const tunnels = tunnelsOf(self, held);
  const decided = view === null ? null : decidedOf(self, view, tunnels);
  return {
    host: self.settings.host.host,
    version: self.edges.version,
    startedAtMs: history.startedAtMs,
    nowMs: self.edges.clock.wallMs(),
    lateMs: self.poller?.lateMs() ?? 0,
    generation: history.generation(),
    database: { ...history.database(), server: self.memory.server?.id ?? null },
    lastPass: history.lastPass(),
    networks: decided === null ? [] : networkStatuses(decided),
    forwarding: forwardingStatus(tunnels),
    taps: decided === null ? [] : tapStatuses(decided),
    held,
    warnings,
    passes: history.passes(),
    changes: history.changes(),
  };
}

const decidedOf = ({ latest, answered, memory }: AgentState, view: View, tunnels: ShownTunnels): Decided => ({
  view,
  decisions: decisionsOf(latest, answered, memory.absent),
  networks: latest?.desired.networks ?? new Map(),
  gone: answered?.desired.gone ?? [],
  held: tunnels.held,
  tunnels,
});

/** What is held is the word of the latest answer: a pass from memory asks for nothing. */
function tunnelsOf({ latest, edges: { clock } }: AgentState, held: readonly HeldRemoval[]): ShownTunnels {
  const { tunnels, memory } = latest?.tunnels ?? { tunnels: new Map(), memory: NO_PAIR_MEMORY };
  const aheadMs = clock.wallMs() - clock.monotonicMs();
  return { tunnels, memory, held, wallMsOf: (atMs) => Math.round(aheadMs + atMs) };
}

/**
 * A pass from memory knows less than an answer of the database: where it has no opinion, the answer still counts. A tap
 * whose name had no row a moment ago is not asked for with every poll; it has none all the same.
 */
function decisionsOf(
  latest: PassResult | null,
  answered: PassResult | null,
  absent: Memory['absent'],
): Map<IfIndex, TapDecision> {
  const decisions = new Map<IfIndex, TapDecision>();
  const both = [answered, latest].flatMap((one) => (one === null ? [] : allDesiredTaps(one.desired)));
  for (const { tap, decision } of both) {
    if (hasOpinion(decision) || !decisions.has(tap.index)) decisions.set(tap.index, decision);
    if (decision.kind === 'unknown' && absent.has(tap.name)) decisions.set(tap.index, WITHOUT_ROW);
  }
  return decisions;
}

const hasOpinion = ({ kind }: TapDecision): boolean => kind !== 'unknown' && kind !== 'leave';
const WITHOUT_ROW: TapDecision = { kind: 'unwire', port: null, cause: 'row-missing', warnings: [] };
