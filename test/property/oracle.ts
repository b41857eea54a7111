import {
  type Answer,
  type HostSettings,
  type HostState,
  type Link,
  type LinkName,
  type Network,
  type NetworkId,
  networkOfLabel,
  type Port,
  type Segment,
} from '../../src/model/index.js';

/*
 * The contract once more, in the fewest words and without a look at how the agent does it: what is whose, and
 * what is right. It answers only where the answer is plain, and null elsewhere.
 */

export interface Truth {
  readonly answer: Answer;
  readonly settings: HostSettings;
  /** Taps whose ports the agent has known before. */
  readonly known: ReadonlySet<LinkName>;
}

/** The one port a tap can belong to; null when there is none or it is not plain. */
export function portOf({ answer }: Truth, tap: Link): Port | null {
  const ports = answer.ports.filter(({ id }) => tap.name === `tap${id.slice(0, 11)}`);
  const [only] = ports;
  return ports.length === 1 && only !== undefined ? only : null;
}

export const isBoundHere = ({ binding: { kind } }: Port): boolean =>
  kind === 'here' || kind === 'unhosted' || kind === 'arriving' || kind === 'standby';

/** The segment that this host is to make; null when there is none or it is not plain. */
export function segmentOf({ settings }: Truth, network: Network): Segment | null {
  const [only] = network.segments;
  if (network.segments.length === 1) return only ?? null;
  const here = network.segments.filter(
    (segment) =>
      segment.kind === 'local' ||
      segment.kind === 'vxlan' ||
      ((segment.kind === 'flat' || segment.kind === 'vlan') &&
        settings.physicalInterfaces.has(segment.physicalNetwork)) ||
      (segment.kind === 'flat' && settings.bridgeMappings.has(segment.physicalNetwork)),
  );
  return here.length === 1 ? (here[0] ?? null) : null;
}

/** Whether a link is the uplink that a segment asks for. */
export function isUplinkOf({ settings }: Truth, host: HostState, link: Link, segment: Segment): boolean {
  if (segment.kind === 'vxlan') return link.detail.kind === 'vxlan' && link.detail.vni === segment.vni;
  if (segment.kind !== 'flat' && segment.kind !== 'vlan') return false;
  const physical = host.byName.get(
    settings.physicalInterfaces.get(segment.physicalNetwork) ?? ('' as LinkName),
  );
  if (physical === undefined) return false;
  if (segment.kind === 'flat') return link.index === physical.index;
  return (
    link.detail.kind === 'vlan' &&
    link.detail.parent === physical.index &&
    link.detail.vlanId === segment.vlanId
  );
}

export const isMappedInterface = ({ settings }: Truth, { name }: Link): boolean =>
  [...settings.physicalInterfaces.values()].includes(name);

export const isMappedBridge = ({ settings }: Truth, { name }: Link): boolean =>
  [...settings.bridgeMappings.values()].includes(name);

export const isAgentsBridge = (truth: Truth, link: Link): boolean =>
  link.detail.kind === 'bridge' &&
  !isMappedBridge(truth, link) &&
  (networkOfLabel(link.alias) !== null || /^brq[0-9a-f]{8}-[0-9a-f]{2}$/.test(link.name));

const isNamedTap = ({ name }: Link): boolean => name.startsWith('tap');

/** Members of a bridge that reach the wire: VLAN devices, tunnels and mapped interfaces. */
export const uplinksIn = (truth: Truth, host: HostState, bridge: Link): Link[] =>
  membersOf(host, bridge).filter(
    (link) =>
      !isNamedTap(link) &&
      (link.detail.kind === 'vlan' || link.detail.kind === 'vxlan' || isMappedInterface(truth, link)),
  );

export const membersOf = (host: HostState, { index }: Link): Link[] =>
  [...host.links.values()].filter(({ master }) => master === index);

export function masterOf(host: HostState, { master }: Link): Link | null {
  return master === null ? null : (host.links.get(master) ?? null);
}

/** The network whose bridge this is: by its label, or as the only one with its name; null when that is not plain. */
export function networkOf({ answer }: Truth, bridge: Link): NetworkId | null {
  const labelled = networkOfLabel(bridge.alias);
  const [only, more] = answer.networks.filter(({ id }) => bridge.name === `brq${id.slice(0, 11)}`);
  return labelled ?? (more === undefined ? (only?.id ?? null) : null);
}

/** Its label says so; without a label its name does, as far as it can. */
export const isBridgeOf = ({ name, alias }: Link, id: NetworkId): boolean =>
  (networkOfLabel(alias) ?? id) === id &&
  (networkOfLabel(alias) !== null || name === `brq${id.slice(0, 11)}`);

/** The bridge reaches the wire as the segment asks for, and in no other way. */
export function isOnSegment(truth: Truth, host: HostState, bridge: Link, segment: Segment): boolean {
  const uplinks = uplinksIn(truth, host, bridge);
  const [uplink] = uplinks;
  if (segment.kind === 'local') return uplink === undefined;
  return uplinks.length === 1 && uplink !== undefined && isUplinkOf(truth, host, uplink, segment);
}

/** The segment of the network that a port is on. */
export function segmentOfPort(truth: Truth, port: Port): Segment | null {
  const network = truth.answer.networks.find(({ id }) => id === port.networkId);
  return network === undefined ? null : segmentOf(truth, network);
}

/** A tap that serves its port as it should: nothing about it may change, not for a moment. */
export function isRight(truth: Truth, host: HostState, tap: Link): boolean {
  const port = portOf(truth, tap);
  const bridge = masterOf(host, tap);
  if (port === null || bridge === null || !port.adminUp || !isBoundHere(port)) return false;
  const segment = segmentOfPort(truth, port);
  if (segment === null || !isAgentsBridge(truth, bridge) || networkOf(truth, bridge) !== port.networkId)
    return false;
  return isOnSegment(truth, host, bridge, segment) && uplinksIn(truth, host, bridge).every(isAsMade);
}

/** Another tunnel is made again when everything is accepted. */
const isAsMade = ({ detail }: Link): boolean =>
  detail.kind !== 'vxlan' || (detail.port === 8472 && !detail.proxy);

/** Up, in a right bridge that is up, behind a right uplink that is up: what ACTIVE means. */
export function works(truth: Truth, host: HostState, tap: Link): boolean {
  const port = portOf(truth, tap);
  const bridge = masterOf(host, tap);
  const segment = port === null ? null : segmentOfPort(truth, port);
  if (port === null || bridge === null || segment === null || !tap.up || !bridge.up) return false;
  if (isMappedBridge(truth, bridge)) return isMappedTo(truth, segment, bridge);
  if (!isAgentsBridge(truth, bridge) || !isBridgeOf(bridge, port.networkId)) return false;
  if (!isOnSegment(truth, host, bridge, segment)) return false;
  return uplinksIn(truth, host, bridge).every(({ up }) => up);
}

/**
 * Wired, and neither served nor out of service: the rows of its network say nothing, or its uplink, which is right, is
 * on an interface that somebody has enslaved elsewhere. Its status stays.
 */
export function isLeftAsItIs(truth: Truth, host: HostState, tap: Link): boolean {
  const port = portOf(truth, tap);
  const bridge = masterOf(host, tap);
  const network = truth.answer.networks.find(({ id }) => id === port?.networkId);
  if (port === null || bridge === null || network === undefined || !port.adminUp) return false;
  const isItsBridge = isAgentsBridge(truth, bridge) && isBridgeOf(bridge, network.id);
  if (!isItsBridge && !isMappedBridge(truth, bridge)) return false;
  const segment = segmentOf(truth, network);
  if (network.segments.length === 0 || network.segments.some(({ kind }) => kind === 'bad'))
    return segment === null || segment.kind === 'bad';
  // Of several segments nobody can tell which is meant, but that one of them is in place.
  const segments = segment === null ? network.segments : [segment];
  const isOn = segments.some((one) => one.kind !== 'local' && isOnSegment(truth, host, bridge, one));
  const [uplink] = uplinksIn(truth, host, bridge);
  const parent = uplink?.detail.kind === 'vlan' ? host.links.get(uplink.detail.parent) : uplink;
  const master = parent === undefined ? null : masterOf(host, parent);
  const isElsewhere = master !== null && master.index !== bridge.index && !isAgentsBridge(truth, master);
  return isItsBridge && isOn && (segment === null || (uplink?.up === true && isElsewhere));
}

export const isMappedTo = ({ settings }: Truth, segment: Segment, bridge: Link): boolean =>
  segment.kind === 'flat' && settings.bridgeMappings.get(segment.physicalNetwork) === bridge.name;

/** Nothing of the agent's: it must stay exactly as it is. */
export function isForeign(truth: Truth, host: HostState, link: Link): boolean {
  const master = masterOf(host, link);
  const isInAgentsBridge = master !== null && isAgentsBridge(truth, master);
  if (isMappedInterface(truth, link) || isMappedBridge(truth, link)) return false;
  if (link.detail.kind === 'bridge') return !isAgentsBridge(truth, link) && link.name !== 'brqn1';
  if (isNamedTap(link)) {
    const isKnown = truth.answer.ports.some(({ id }) => link.name === `tap${id.slice(0, 11)}`);
    return !isKnown && !isInAgentsBridge && !truth.known.has(link.name);
  }
  if (link.detail.kind === 'vlan') {
    if (isInAgentsBridge) return false;
    const parent = host.links.get(link.detail.parent);
    const isNamedRight = link.name === `${parent?.name}.${link.detail.vlanId}`;
    const isOwn = networkOfLabel(link.alias) !== null || (isNamedRight && link.alias === '');
    return link.master !== null || link.addresses.length > 0 || !isOwn;
  }
  if (link.detail.kind === 'vxlan') {
    if (isInAgentsBridge) return false;
    const isNamedRight = link.name === `vxlan-${link.detail.vni}`;
    const isOwn = networkOfLabel(link.alias) !== null || (isNamedRight && link.alias === '');
    return link.master !== null || link.addresses.some(({ scope }) => scope === 0) || !isOwn;
  }
  // A labelled bridge that carries an interface's MAC address was made with that interface as its uplink.
  const wasUplink = isInAgentsBridge && networkOfLabel(master.alias) !== null && master.mac === link.mac;
  return !wasUplink;
}
