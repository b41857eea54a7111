import type { HostSettings, HostState, IfIndex, Link, NetworkId } from '../../src/model/index.js';
import { isTapName, type Knowledge, membersOf, rowOfTap } from './knowledge.js';

/** Two tenants are never joined, in a bridge of `bridge_mappings` neither: whose taps are in there, as answers have said it. */
export interface Homes {
  /** A pass has worked from these rows. */
  told(state: HostState, knowledge: Knowledge): void;
  /** What a network has come to that was not at home there: the taps of others, each with what is wrong if it is held. */
  joined(before: HostState, after: HostState, knowledge: Knowledge): Joined[];
  /** What has no row any more is nobody's that this agent knows of. */
  agentStarted(): void;
}

export interface Joined {
  readonly device: string;
  readonly text: string;
}

export function makeHomes(settings: () => HostSettings): Homes {
  let networks = new Map<IfIndex, NetworkId>();
  const atHome = new Set<string>();
  const mappedIn = (state: HostState): Link[] =>
    [...settings().bridgeMappings.values()].flatMap((name) => state.byName.get(name) ?? []);
  const tapsIn = (state: HostState, bridge: Link): Link[] =>
    membersOf(state, bridge).filter(({ name }) => isTapName(name));
  return {
    told: (state, knowledge) => {
      const here = new Map<IfIndex, NetworkId>();
      for (const bridge of mappedIn(state))
        for (const tap of tapsIn(state, bridge)) {
          const id = networkOf(knowledge, tap) ?? networks.get(tap.index);
          if (id === undefined) continue;
          here.set(tap.index, id);
          atHome.add(`${bridge.index} ${id}`);
        }
      networks = here;
    },
    joined: (before, after, knowledge) =>
      mappedIn(after).flatMap((bridge) => {
        const taps = tapsIn(after, bridge);
        const came = taps.filter(({ index }) => before.links.get(index)?.master !== bridge.index);
        return came.flatMap((tap) => {
          const id = networkOf(knowledge, tap);
          const others = taps.filter(({ index }) => index !== tap.index);
          const isAtHome =
            atHome.has(`${bridge.index} ${id}`) || others.some((other) => networkOf(knowledge, other) === id);
          return isAtHome
            ? []
            : others
                .filter(({ index }) => networks.has(index) && networks.get(index) !== id)
                .map(({ name }) => ({
                  device: name,
                  text: `${tap.name} came into ${bridge.name}, where ${name} of another network is held`,
                }));
        });
      }),
    agentStarted: () => {
      networks = new Map();
    },
  };
}

function networkOf(knowledge: Knowledge, { name }: Link): NetworkId | undefined {
  const row = rowOfTap(knowledge, name);
  return row.kind === 'one' ? row.port.networkId : undefined;
}
