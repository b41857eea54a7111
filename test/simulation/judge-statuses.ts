import {
  type HostSettings,
  type HostState,
  type Link,
  type Network,
  type Port,
  type StatusChange,
  tapName,
} from '../../src/model/index.js';
import type { Telling } from './database.js';
import { isBridgeOf, isUnreadable, isWired, knowledgeOf } from './knowledge.js';

/** What is wrong with the statuses that the agent is about to write, on the host as it is at this moment. */
export function judgeStatuses(
  changes: readonly StatusChange[],
  state: HostState,
  { answer }: Telling,
  settings: HostSettings,
): string[] {
  const { networks } = knowledgeOf(answer);
  return changes.flatMap(({ port: id, from, to }) => {
    const port = answer.ports.find((one) => one.id === id);
    const what = `status ${to} was written for port ${id}`;
    if (port === undefined) return [`${what}, which the database did not show`];
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
