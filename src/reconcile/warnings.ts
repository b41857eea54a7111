import type { NetworkId, Warning } from '../model/index.js';
import type { DesiredNetwork, DesiredTap, World } from './desired.js';
import { ownAddresses } from './view.js';

/** One warning per port that is not wired; a network without such ports speaks for itself. */
export function warningsOf(
  world: World,
  taps: readonly DesiredTap[],
  networks: ReadonlyMap<NetworkId, DesiredNetwork>,
): Warning[] {
  const told = new Set(
    taps.flatMap(({ decision }) => (decision.kind === 'blocked' ? [decision.port.networkId] : [])),
  );
  const ofNetworks = [...networks.values()]
    .filter(({ id, place, realisation }) => !told.has(id) && (place.kind === 'blocked' || !realisation.ok))
    .map(reasonOf);
  return [...tapWarnings(taps), ...ofNetworks, ...leasedAddresses(networks), ...taggedFrames(world)];
}

/** Why each of these taps is not wired. */
export const tapWarnings = (taps: readonly DesiredTap[]): Warning[] =>
  taps.flatMap(({ decision }) => {
    switch (decision.kind) {
      case 'blocked':
        return [decision.warning];
      case 'leave':
      case 'unwire':
        return decision.warnings;
      default:
        return [];
    }
  });

/** Why no tap of the network is attached. */
export function reasonOf(network: DesiredNetwork): Warning {
  if (network.place.kind === 'blocked') return network.place.warning;
  if (!network.realisation.ok) return network.realisation.warning;
  return {
    code: 'REMOVALS_HELD',
    message: `network ${network.id} has changed its segment, and the change of its uplink is held back`,
    network: network.id,
  };
}

/** The kernel ends a leased address on the bridge, while the DHCP client still renews it on the uplink. */
const leasedAddresses = (networks: ReadonlyMap<NetworkId, DesiredNetwork>): Warning[] =>
  [...networks.values()].flatMap(({ id, place, serves }) => {
    if (serves?.kind !== 'interface') return [];
    const bridge =
      place.kind === 'present' && serves.link.master === place.bridge.index ? place.bridge : null;
    const carriers = bridge === null ? [serves.link] : [serves.link, bridge];
    const leased = carriers.flatMap(ownAddresses).find((address) => address.leased);
    if (leased === undefined) return [];
    const message = `${leased.address} of ${serves.link.name} has a lifetime, and belongs on the bridge of flat network ${id}`;
    return [{ code: 'ADDRESS_LEASED', message, network: id, device: serves.link.name }];
  });

function taggedFrames({ view, settings }: World): Warning[] {
  if (!settings.dropTaggedFrames) return [];
  const bridge = [...view.agentBridges.values()].find(({ detail }) => detail.vlanFiltering === null);
  if (bridge === undefined) return [];
  const message = `this kernel cannot drop guests' tagged frames on ${bridge.name} and the agent's other bridges`;
  return [{ code: 'TAGGED_FRAMES_PASS', message, device: bridge.name }];
}
