import {
  type AgentStatus,
  type HeldRemoval,
  type IfIndex,
  type Link,
  type LinkName,
  type NetworkId,
  type NetworkStatus,
  networkId,
  networkOfLabel,
  type PassReport,
  type PhysicalNetwork,
  type Port,
  type TapStatus,
} from '../../model/index.js';
import type { Choice } from '../decide/choose-segment.js';
import {
  allDesiredTaps,
  type Desired,
  type DesiredNetwork,
  type GoneBridge,
  type TapDecision,
} from '../decide/desired.js';
import { presentUplink, type Uplink } from '../decide/resolve-segment.js';
import type { DecidedTunnels } from '../decide/tunnels.js';
import { reasonOf } from '../decide/warnings.js';
import { allTaps, tapsIn, uplinksOf, type View } from '../see/view.js';
import { forwardingStatus, type ShownTunnels, tunnelStatus } from './tunnels.js';

/** What is known of the taps that are here. */
export interface Decided {
  readonly view: View;
  readonly decisions: ReadonlyMap<IfIndex, TapDecision>;
  readonly networks: Desired['networks'];
  readonly gone: Desired['gone'];
  readonly held: readonly HeldRemoval[];
  readonly tunnels: ShownTunnels;
}

/** How each tap of the view stands and, where it is not wired, why. O(taps + held). */
export function tapStatuses(decided: Decided): TapStatus[] {
  const heldByDevice = new Map(decided.held.map((one) => [one.device, one]));
  return allTaps(decided.view).map((tap) => {
    const decision = decided.decisions.get(tap.index) ?? { kind: 'unknown' };
    const port = decision.kind === 'unknown' ? null : decision.port;
    return {
      tap: tap.name,
      port: port?.id ?? null,
      network: port?.networkId ?? null,
      bridge: masterOf(decided.view, tap),
      ...stateOf(decided, heldByDevice, tap, decision),
    };
  });
}

type State = Pick<TapStatus, 'state' | 'why'>;

const masterOf = (view: View, { master }: Link): LinkName | null =>
  master === null ? null : (view.observed.links.get(master)?.name ?? null);

function stateOf(
  decided: Decided,
  held: ReadonlyMap<LinkName, HeldRemoval>,
  tap: Link,
  decision: TapDecision,
): State {
  switch (decision.kind) {
    case 'wire':
      return isInPlace(decided, tap, decision.network)
        ? { state: 'wired', why: null }
        : { state: 'blocked', why: 'it is not in its bridge yet: see the last operations and their errors' };
    case 'wait':
      return { state: 'waiting', why: 'libvirt is given plug_grace to plug it itself' };
    case 'blocked':
      return { state: 'blocked', why: decision.warning.message };
    case 'unwire':
      return unwired(decision);
    case 'leave':
      return left(decided, held, tap, decision.port, decision.warnings[0]?.message ?? null);
    case 'unknown':
      return { state: 'unknown', why: 'the database has not answered about it yet' };
  }
}

function unwired({ cause, warnings }: Extract<TapDecision, { kind: 'unwire' }>): State {
  switch (cause) {
    case 'admin-down':
      return { state: 'down', why: 'its port is admin down' };
    case 'row-missing':
      return { state: 'no-row', why: 'no port of the database has this tap' };
    case 'network-changed':
      return { state: 'blocked', why: 'its port is on another network now' };
    case 'network-gone':
      return { state: 'blocked', why: warnings[0]?.message ?? 'its network is gone' };
  }
}

function left(
  { networks, view }: Decided,
  held: ReadonlyMap<LinkName, HeldRemoval>,
  tap: Link,
  port: Port | null,
  warning: string | null,
): State {
  if (warning !== null) return { state: 'left-alone', why: warning };
  const network = port === null ? undefined : networks.get(port.networkId);
  if (network !== undefined && tap.master !== null && network.staysIn.has(tap.master))
    return { state: 'wired', why: reasonOf(network).message };
  const leaving = network?.leaving ?? [];
  const bridge = masterOf(view, tap);
  const devices = [tap.name, ...leaving.map(({ name }) => name), ...(bridge === null ? [] : [bridge])];
  const removal = devices.map((name) => held.get(name)).find((one) => one !== undefined);
  if (removal !== undefined) return { state: 'held', why: `${removal.text}: ${removal.reason}` };
  return port === null
    ? { state: 'left-alone', why: 'it is not this agent’s, or its row cannot be used' }
    : { state: 'held', why: 'it stays as it is until the database answers' };
}

function isInPlace({ view, networks }: Decided, tap: Link, id: NetworkId): boolean {
  const bridge = networks.get(id)?.place;
  if (bridge === undefined || bridge.kind === 'blocked' || !tap.up) return false;
  const link = bridge.kind === 'missing' ? view.observed.byName.get(bridge.name) : bridge.bridge;
  return link !== undefined && tap.master === link.index;
}

/** How each network stands that a tap here asks for, or that has a bridge here. In the order of their ids. */
export function networkStatuses({
  view,
  networks,
  gone,
  tunnels,
}: Omit<Decided, 'held' | 'decisions'>): NetworkStatus[] {
  return [
    ...[...networks.values()].map((network) => networkStatus(view, network, tunnels)),
    ...gone.filter(({ isLeftBehind }) => !isLeftBehind).map(goneStatus),
  ].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function networkStatus(view: View, network: DesiredNetwork, tunnels: ShownTunnels): NetworkStatus {
  const { id, place, realisation, serves } = network;
  const bridge = place.kind === 'present' || place.kind === 'joined' ? place.bridge : null;
  const uplink = realisation.ok ? presentUplink(realisation.uplink) : null;
  const blocked = serves === null;
  return {
    id,
    bridge: bridge?.name ?? null,
    segment: realisation.ok ? segmentText(realisation.uplink) : null,
    physicalNetwork: physicalNetworkOf(network.segment),
    uplink: uplink?.name ?? null,
    tunnel: tunnelStatus(id, tunnels),
    state: blocked ? 'blocked' : bridge !== null && tapsIn(view, bridge.index).length > 0 ? 'served' : 'idle',
    warning: blocked ? reasonOf(network) : null,
  };
}

const physicalNetworkOf = (segment: Choice | null): PhysicalNetwork | null =>
  segment?.kind === 'flat' || segment?.kind === 'vlan' ? segment.physicalNetwork : null;

/** `local`, `flat on eth1`, `VLAN 100 on eth1`, `VXLAN 7 on vxlan-7`, `bridge br-ex`. */
export function segmentText(uplink: Uplink): string {
  switch (uplink.kind) {
    case 'none':
      return 'local';
    case 'interface':
      return `flat on ${uplink.link.name}`;
    case 'subinterface':
      return `VLAN ${uplink.vlanId} on ${uplink.parent.name}`;
    case 'tunnel':
      return `VXLAN ${uplink.tunnel.making.vni} on ${uplink.tunnel.name}`;
    case 'left-tunnel':
      return `VXLAN ${uplink.vni} on ${uplink.link.name}`;
    case 'joined':
      return `bridge ${uplink.bridge.name}`;
  }
}

/** An unlabelled bridge tells only the beginning of its network's id. */
const goneStatus = ({ bridge, network, uplinks }: GoneBridge): NetworkStatus => ({
  id: network ?? networkId(bridge.name.slice(3)),
  bridge: bridge.name,
  segment: null,
  physicalNetwork: null,
  uplink: uplinks[0]?.name ?? null,
  tunnel: null,
  state: 'gone',
  warning: null,
});

/** How the networks and taps of the host stand. */
export type Overview = Pick<AgentStatus, 'networks' | 'taps' | 'forwarding'>;

/** What of a pass tells how everything stands after it. */
interface Passed {
  readonly desired: Desired;
  readonly tunnels: DecidedTunnels;
  readonly report: Pick<PassReport, 'held'>;
}

/** How everything stands after a single pass with an answer of the database. */
export function overviewOf(view: View, { desired, tunnels: decided, report: { held } }: Passed): Overview {
  const decisions = new Map(allDesiredTaps(desired).map(({ tap, decision }) => [tap.index, decision]));
  const { networks, gone } = desired;
  const tunnels = { ...decided, held, wallMsOf: null };
  return {
    networks: networkStatuses({ view, networks, gone, tunnels }),
    taps: tapStatuses({ view, decisions, networks, gone, held, tunnels }),
    forwarding: forwardingStatus(decided),
  };
}

/** The host as it is, without any word of the database: the agent's bridges and every tap. */
export function hostOverview(view: View): Omit<Overview, 'forwarding'> {
  const networks = [...view.agentBridges.values()].map((bridge): NetworkStatus => {
    const [uplink] = uplinksOf(view, bridge, null);
    return {
      id: networkOfLabel(bridge.alias) ?? networkId(bridge.name.slice(3)),
      bridge: bridge.name,
      segment: null,
      physicalNetwork: null,
      uplink: uplink?.name ?? null,
      tunnel: null,
      state: tapsIn(view, bridge.index).length > 0 ? 'served' : 'idle',
      warning: null,
    };
  });
  const byBridge = new Map(networks.map(({ bridge, id }) => [bridge, id]));
  const taps = allTaps(view).map((tap): TapStatus => {
    const bridge = masterOf(view, tap);
    const network = byBridge.get(bridge) ?? null;
    return { tap: tap.name, port: null, network, bridge, state: 'unknown', why: null };
  });
  return { networks, taps };
}
