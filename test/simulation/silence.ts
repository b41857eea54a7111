import type { HostState, Link, Settings } from '../../src/model/index.js';
import type { Telling } from './database.js';
import { isAgentBridge, isPlugged, isTapName, knowledgeOf, rowOfTap } from './knowledge.js';

/** What is plugged on this host and has no row in the answer. */
export function silentTaps(
  { answer, presentWhenAsked }: Telling,
  state: HostState,
  settings: Settings['host'],
): Link[] {
  const knowledge = knowledgeOf(answer);
  return [...state.links.values()].filter(
    (link) =>
      presentWhenAsked.has(link.index) &&
      isTapName(link.name) &&
      isPlugged(state, link, settings) &&
      rowOfTap(knowledge, link.name).kind === 'none',
  );
}

export const silentInAgentBridges = (
  telling: Telling,
  state: HostState,
  settings: Settings['host'],
): Link[] => silentTaps(telling, state, settings).filter((tap) => isInAgentBridge(state, tap));

/** What is plugged on this host, and has a row whose network is gone. */
export function tapsWithoutNetwork(
  { answer }: Telling,
  state: HostState,
  settings: Settings['host'],
): Link[] {
  const knowledge = knowledgeOf(answer);
  return [...state.links.values()].filter((link) => {
    const row = rowOfTap(knowledge, link.name);
    return (
      row.kind === 'one' && !knowledge.networks.has(row.port.networkId) && isPlugged(state, link, settings)
    );
  });
}

/** A tap in a mapped bridge may be somebody else's: that it has no row says nothing. */
function isInAgentBridge(state: HostState, { master }: Link): boolean {
  const bridge = master === null ? undefined : state.links.get(master);
  return bridge !== undefined && isAgentBridge(bridge);
}
