import {
  type HostSettings,
  type HostState,
  type Link,
  type Network,
  type Port,
  type PortId,
  type StatusChange,
  tapName,
} from '../../src/model/index.js';
import { TAKE_BACK_MS } from '../../src/reconcile/remember/active-lately.js';
import type { Telling } from './database.js';
import { isBridgeOf, isUnreadable, isWired, knowledgeOf } from './knowledge.js';

/** The ports for which the agent wrote ACTIVE a moment ago. */
export interface ActiveLately {
  note(changes: readonly StatusChange[]): void;
  has(port: PortId): boolean;
}

export function noteActiveLately(nowMs: () => number): ActiveLately {
  const sinceMs = new Map<PortId, number>();
  return {
    note: (changes) => {
      for (const { port, to } of changes) if (to === 'ACTIVE') sinceMs.set(port, nowMs());
    },
    has: (port) => nowMs() - (sinceMs.get(port) ?? Number.NEGATIVE_INFINITY) < TAKE_BACK_MS,
  };
}

/**
 * What is wrong with the statuses that the agent is about to write, on the host as it is at this moment.
 * What it wrote `lately` it may take back.
 */
export function judgeStatuses(
  changes: readonly StatusChange[],
  state: HostState,
  { answer }: Telling,
  settings: HostSettings,
  lately: ActiveLately,
): string[] {
  const { networks } = knowledgeOf(answer);
  lately.note(changes);
  return changes.flatMap(({ port: id, from, to, bound }) => {
    const port = answer.ports.find((one) => one.id === id);
    const what = `status ${to} was written for port ${id}`;
    if (port === undefined) return [`${what}, which the database did not show`];
    const isTakenBack = bound === 'elsewhere' && to === port.statusWords.down && lately.has(id);
    if ((port.binding.kind === 'elsewhere' || port.binding.kind === 'standby') && isTakenBack) return [];
    if (port.binding.kind !== 'here' && port.binding.kind !== 'unhosted') {
      return [`${what}, which is ${port.binding.kind}`];
    }
    if (port.status !== from) return [`${what} as if it had been ${from}, and it was ${port.status}`];
    const tap = state.byName.get(tapName(port.interfaceId));
    const network = networks.get(port.networkId);
    if (to === port.statusWords.down && isKept(state, port, tap, network))
      return [`${what}, whose network says nothing`];
    const wired = tap !== undefined && network !== undefined && isWired(state, tap, network, settings);
    if (to === port.statusWords.active && !wired) return [`${what}, whose tap is not wired`];
    return to === port.statusWords.down && wired && port.adminUp ? [`${what}, whose tap is wired`] : [];
  });
}

/** In its network's bridge, and nobody can tell from the rows that it should not be: its status stays. */
function isKept(state: HostState, { adminUp }: Port, tap?: Link, network?: Network): boolean {
  const bridge = tap?.master == null ? undefined : state.links.get(tap.master);
  if (!adminUp || network === undefined || bridge === undefined) return false;
  return isUnreadable(network) && isBridgeOf(bridge, network);
}
