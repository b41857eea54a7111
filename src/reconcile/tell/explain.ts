import {
  type Answer,
  bridgeName,
  type HostSettings,
  type Link,
  type Network,
  type NetworkId,
  type Port,
  type TunnelStatus,
  type WarningCode,
} from '../../model/index.js';
import { type Choice, chooseSegment, segmentInWords } from '../decide/choose-segment.js';
import type { Desired, DesiredNetwork } from '../decide/desired.js';
import { notOurs } from '../decide/other-driver.js';
import { presentUplink, type Realisation, realise, type Uplink } from '../decide/resolve-segment.js';
import { warningsOf } from '../decide/warnings.js';
import { tapsIn, type View } from '../see/view.js';
import { broken, type ChainLink, type ChainLinkName, NEXT_PASS, ok, warned } from './chain.js';
import { tunnelLinks } from './explain-tunnel.js';
import { segmentText } from './overview.js';
import type { Subject } from './subject.js';

/** Everything that an explanation rests on. */
export interface Evidence {
  readonly view: View;
  readonly answer: Answer;
  readonly desired: Desired;
  readonly settings: HostSettings;
  /** The tunnel of the network; null: it has none that a tap here needs. */
  readonly tunnel: TunnelStatus | null;
}

/**
 * The chain of a port or a network in the order in which it has to hold. What lies behind a broken link is left out
 * where it cannot be known. Pure.
 */
export function explain(subject: Subject, evidence: Evidence): ChainLink[] {
  if (subject.kind === 'network') return adviseOnce(networkChain(subject.id, null, evidence));
  const { port } = subject;
  if (port === null)
    return adviseOnce([withoutRow(subject, evidence), tapHere(subject.tap, evidence)].filter(isLink));
  return adviseOnce([
    rowLink(port, evidence),
    port.adminUp ? ok('admin state', 'up') : broken('admin state', 'down', 'Set the port admin up.'),
    hostLink(port, evidence),
    ...networkChain(port.networkId, port, evidence),
    tapLink(subject, port, evidence),
  ]);
}

/** Behind the first broken link nothing can be done yet: the remedies there would only lead astray. */
function adviseOnce(chain: readonly ChainLink[]): ChainLink[] {
  const first = chain.findIndex(({ holds }) => !holds);
  return chain.map((link, at) => (at > first && first !== -1 ? { ...link, remedy: null, code: null } : link));
}

const isLink = (link: ChainLink | null): link is ChainLink => link !== null;
/** A tap that several ports may mean is wired for none of them. */
function rowLink({ id, networkId, status }: Port, { desired }: Evidence): ChainLink {
  const warning = warningsOf(desired).find((one) => one.code === 'PORT_AMBIGUOUS' && one.port === id);
  return warning === undefined
    ? ok('row', `port ${id} on network ${networkId}, status ${status ?? 'NULL'}`)
    : warned('row', warning);
}

type PortSubject = Extract<Subject, { kind: 'port' }>;

/** No usable row: the database, or the matching of tap and port, may have said why. */
function withoutRow({ tapName }: PortSubject, { answer, desired }: Evidence): ChainLink {
  const warning = [...answer.warnings, ...warningsOf(desired)].find(({ device }) => device === tapName);
  return warning === undefined
    ? broken('row', `no port of the database has the tap ${tapName}`, 'Create the port, or delete the tap.')
    : warned('row', warning);
}

const tapHere = (tap: Link | null, { view }: Evidence): ChainLink | null =>
  tap === null ? null : broken('tap', `${tap.name} is here, ${whereIs(view, tap)}`);

function hostLink(port: Port, { view, answer, settings }: Evidence): ChainLink {
  const { binding } = port;
  const { host } = settings;
  switch (binding.kind) {
    case 'here':
      return ok('host', `bound to this host (${host})`);
    case 'unhosted':
      return ok('host', 'the database names no host for it: as if bound here');
    case 'arriving':
      return ok('host', `a live migration brings it to this host (${host})`);
    case 'standby':
      return ok(
        'host',
        `bound to host ${binding.host}; a port of a service (network:…) is wired here as well`,
      );
    case 'elsewhere':
      return warned('host', {
        code: 'PORT_BOUND_ELSEWHERE',
        message: `bound to host ${binding.host}, and this is ${host}`,
      });
    case 'other-driver': {
      const network = answer.networks.find(({ id }) => id === port.networkId);
      const { code, text } = notOurs(binding.vifType, network, view, settings);
      return warned('host', { code, message: text });
    }
  }
}

/** From the binding to the bridge. */
function networkChain(id: NetworkId, port: Port | null, evidence: Evidence): ChainLink[] {
  const { view, answer, desired, settings } = evidence;
  const network = answer.networks.find((one) => one.id === id);
  const known = desired.networks.get(id);
  if (network === undefined && known === undefined) {
    const text = `network ${id} has neither row nor binding`;
    return [warned('binding', { code: 'NETWORK_BINDING_MISSING', message: text })];
  }
  const chosen = network === undefined ? null : chooseSegment(network, port, settings);
  const segment = known?.segment ?? chosen;
  const realisation =
    known?.realisation ?? realise(view, settings, { id, mtu: network?.mtu ?? null }, segment);
  return [
    ...(port === null ? [networkRow(id, network)] : []),
    ...segmentLinks(view, segment, realisation, settings),
    ...tunnelLinks(realisation, evidence.tunnel),
    bridgeLink(view, id, known, realisation),
  ];
}

const networkRow = (id: NetworkId, network: Network | undefined): ChainLink =>
  network?.rowPresent === true
    ? ok('row', `network ${id}`)
    : broken('row', `table networks has no row ${id}`, 'Nothing, when it was deleted: the agent tidies up.');

/** The link of the chain that a warning about a network concerns. */
const PLACE: Partial<Record<WarningCode, ChainLinkName>> = {
  PHYSICAL_NETWORK_UNMAPPED: 'mapping',
  PHYSICAL_INTERFACE_MISSING: 'interface',
  PHYSICAL_INTERFACE_ENSLAVED: 'interface',
  PHYSICAL_INTERFACE_UNUSABLE: 'interface',
  FLAT_ADDRESS_MOVE_REFUSED: 'interface',
  SUBINTERFACE_FOREIGN: 'subinterface',
  SEGMENT_CONFLICT: 'subinterface',
  VXLAN_LOCAL_IP_MISSING: 'tunnel',
  VXLAN_DEVICE_FOREIGN: 'tunnel',
  BRIDGE_MAPPING_MISSING: 'bridge',
};

/** Binding, mapping, interface and subinterface, as far as the segment has them and the first broken one. */
function segmentLinks(
  view: View,
  segment: Choice | null,
  realisation: Realisation,
  settings: HostSettings,
): ChainLink[] {
  const links: ChainLink[] = [];
  const at = realisation.ok ? null : placeOf(realisation.warning.code, segment);
  const add = (name: ChainLinkName, text: string | null): boolean => {
    if (at === name && !realisation.ok) links.push(warned(name, realisation.warning));
    else if (text !== null) links.push(ok(name, text));
    return at !== name;
  };
  if (!add('binding', segmentInWords(segment))) return links;
  if (segment?.kind === 'vxlan') add('tunnel', null);
  if (segment === null || (segment.kind !== 'flat' && segment.kind !== 'vlan')) return links;
  const physical = segment.physicalNetwork;
  const bridge = segment.kind === 'flat' ? settings.bridgeMappings.get(physical) : undefined;
  if (bridge !== undefined) {
    add('mapping', `bridge_mappings has ${physical}:${bridge}`);
    return links;
  }
  const name = settings.physicalInterfaces.get(physical);
  if (!add('mapping', `physical_interface_mappings has ${physical}:${name}`)) return links;
  const link = name === undefined ? undefined : view.mapped.get(name);
  if (!add('interface', `${name} is there and ${link?.up === true ? 'up' : 'down'}`)) return links;
  if (segment.kind === 'vlan') add('subinterface', null);
  if (realisation.ok && realisation.uplink.kind === 'subinterface')
    links.push(subinterface(realisation.uplink));
  return links;
}

/** What two networks want together is the tunnel where the segment is one. */
function placeOf(code: WarningCode, segment: Choice | null): ChainLinkName {
  const place = PLACE[code] ?? 'binding';
  return place === 'subinterface' && segment?.kind === 'vxlan' ? 'tunnel' : place;
}

function subinterface({ name, existing }: Extract<Uplink, { kind: 'subinterface' }>): ChainLink {
  if (existing === null) return broken('subinterface', `${name} is not there`, NEXT_PASS);
  return existing.up
    ? ok('subinterface', `${existing.name} is there and up`)
    : broken('subinterface', `${existing.name} is there and down`, NEXT_PASS);
}

function bridgeLink(
  view: View,
  id: NetworkId,
  known: DesiredNetwork | undefined,
  realisation: Realisation,
): ChainLink {
  if (known?.place.kind === 'blocked') return warned('bridge', known.place.warning);
  if (!realisation.ok && PLACE[realisation.warning.code] === 'bridge')
    return warned('bridge', realisation.warning);
  const bridge = bridgeOf(view, id, known, realisation);
  if (bridge === null) {
    return known === undefined
      ? broken('bridge', `${bridgeName(id)} is not there: no tap of this network is here`)
      : broken('bridge', `${bridgeName(id)} is not there`, NEXT_PASS);
  }
  const taps = tapsIn(view, bridge.index).length;
  const uplink = realisation.ok ? presentUplink(realisation.uplink) : null;
  if (uplink !== null && uplink.master !== bridge.index) {
    return broken('bridge', `${bridge.name} is there without its uplink ${uplink.name}`, NEXT_PASS);
  }
  if (!bridge.up) return broken('bridge', `${bridge.name} is down`, NEXT_PASS);
  const what = realisation.ok ? segmentText(realisation.uplink) : 'no uplink';
  return ok('bridge', `${bridge.name} is there and up, with ${taps} tap(s) (${what})`);
}

function bridgeOf(
  view: View,
  id: NetworkId,
  known: DesiredNetwork | undefined,
  realisation: Realisation,
): Link | null {
  if (known?.place.kind === 'present' || known?.place.kind === 'joined') return known.place.bridge;
  if (realisation.ok && realisation.uplink.kind === 'joined') return realisation.uplink.bridge;
  return view.labelledBridges.get(id) ?? null;
}

const whereIs = (view: View, { master }: Link): string =>
  master === null ? 'in no bridge' : `in ${view.observed.links.get(master)?.name ?? `link ${master}`}`;

function tapLink({ tap, tapName }: PortSubject, port: Port, { view, desired }: Evidence): ChainLink {
  if (tap === null) {
    return broken(
      'tap',
      `${tapName} is not here`,
      'The hypervisor makes it when the instance starts on this host.',
    );
  }
  const decision = desired.groups.get(tap.master)?.taps.find((one) => one.tap.index === tap.index)?.decision;
  // Any other reason is one of the network's, and stands further up in the chain.
  if (decision?.kind === 'blocked' && decision.warning.code === 'TAP_IN_FOREIGN_BRIDGE')
    return warned('tap', decision.warning);
  const network = desired.networks.get(port.networkId);
  const place = network?.place;
  const bridge = place?.kind === 'present' || place?.kind === 'joined' ? place.bridge : null;
  const stays = tap.master !== null && network?.staysIn.has(tap.master) === true;
  const inPlace = stays || (bridge !== null && tap.master === bridge.index);
  const text = `${tap.name} is here, ${whereIs(view, tap)}${tap.up ? '' : ', down'}`;
  return inPlace && tap.up ? ok('tap', text) : broken('tap', text, NEXT_PASS);
}
