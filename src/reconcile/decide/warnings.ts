import { isSame, onceFor, type Warning } from '../../model/index.js';
import { count } from '../../model/words.js';
import { ownAddresses } from '../see/view.js';
import { segmentInWords } from './choose-segment.js';
import type { Desired, DesiredGroup, DesiredNetwork, DesiredTap, World } from './desired.js';

/** One warning per port that is not wired, or not as it says; a network without such ports speaks for itself. */
export function warningsOf({ world, notable, networks, groups, refused }: Desired): Warning[] {
  const told = new Set(
    notable.flatMap(({ decision }) => (decision.kind === 'blocked' ? [decision.port.networkId] : [])),
  );
  const { blocked, served } = warningsAbout(networks);
  return [
    ...tapWarnings(notable),
    ...otherSegments(notable, networks),
    ...unfilteredPorts(groups),
    ...blocked.filter(({ id }) => !told.has(id)).map(reasonOf),
    ...served,
    ...taggedFrames(world),
    ...refused,
  ];
}

interface NetworkWarnings {
  /** Networks that cannot be served. */
  readonly blocked: readonly DesiredNetwork[];
  /** Of those that can. */
  readonly served: readonly Warning[];
}

const warningsAbout = onceFor(
  (networks: Desired['networks']): NetworkWarnings => ({
    blocked: [...networks.values()].filter(
      ({ place, realisation }) => place.kind === 'blocked' || !realisation.ok,
    ),
    served: [
      ...largeNetworks(networks),
      ...leasedAddresses(networks),
      ...[...networks.values()].flatMap(({ serves }) => (serves?.kind === 'tunnel' ? serves.warnings : [])),
    ],
  }),
);

/** One for the host: what is wrong with one of them is wrong with all. */
function unfilteredPorts(groups: Desired['groups']): Warning[] {
  let ports = 0;
  for (const group of groups.values()) ports += unfilteredIn(group);
  const message = `${count(ports, 'port')} of this host count as filtered (port_filter is true), and nothing filters them`;
  return ports === 0 ? [] : [{ code: 'FIREWALL_NOT_ENFORCED', message }];
}

const unfilteredIn = onceFor(
  ({ taps }: DesiredGroup): number =>
    taps.filter(({ decision }) => decision.kind === 'wire' && decision.port.filterExpected).length,
);

/** A network has one uplink: the taps of ports that name another segment than its own are behind that one too. */
const otherSegments = (taps: readonly DesiredTap[], networks: Desired['networks']): Warning[] =>
  taps.flatMap(({ tap, decision }): Warning[] => {
    if (decision.kind !== 'wire' || decision.port.segment === null) return [];
    const own = networks.get(decision.network)?.segment ?? null;
    const { port } = decision;
    if (isSame(port.segment, own)) return [];
    const [named, used] = [segmentInWords(port.segment), segmentInWords(own)];
    const message = `the binding of port ${port.id} names another segment (${named}) than the one by which its network is here (${used})`;
    return [
      { code: 'PORT_SEGMENT_DIFFERS', message, port: port.id, network: decision.network, device: tap.name },
    ];
  });

/** Why each of these taps is not wired. */
const tapWarnings = (taps: readonly DesiredTap[]): Warning[] =>
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

/** A subinterface can have no larger MTU than the interface that it stands on. */
const largeNetworks = (networks: Desired['networks']): Warning[] =>
  [...networks.values()].flatMap(({ id, mtu, serves }): Warning[] => {
    if (mtu === null || (serves?.kind !== 'interface' && serves?.kind !== 'subinterface')) return [];
    const link = serves.kind === 'interface' ? serves.link : serves.parent;
    const message = `network ${id} has MTU ${mtu}, and ${link.name}, which leads to it, ${link.mtu}`;
    return mtu > link.mtu ? [{ code: 'MTU_EXCEEDS_UPLINK', message, network: id, device: link.name }] : [];
  });

/** The kernel ends a leased address on the bridge, while the DHCP client still renews it on the uplink. */
const leasedAddresses = (networks: Desired['networks']): Warning[] =>
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
  const isWanted = settings.dropTaggedFrames || settings.dropSwitchFrames;
  const [bridge] = view.agentBridges.values();
  if (!isWanted || view.observed.tapFilter.kind !== 'unsupported' || bridge === undefined) return [];
  const filters = bridge.detail.vlanFiltering === true ? ' but those with a single tag' : '';
  const message = `this kernel cannot drop guests' tagged frames${filters}, nor those to the switch, on ${bridge.name} and the agent's other bridges`;
  return [{ code: 'TAGGED_FRAMES_PASS', message, device: bridge.name }];
}
