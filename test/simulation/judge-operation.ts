import { isDeepStrictEqual } from 'node:util';
import {
  type HostSettings,
  type HostState,
  type IfIndex,
  type Link,
  type Network,
  networkOfLabel,
  type PortId,
  type TapQuestion,
  tapName,
} from '../../src/model/index.js';
import { routesOn } from '../support/simulated/host.js';
import type { Telling } from './database.js';
import {
  isAgentBridge,
  isBridgeOf,
  isPlugged,
  isServedHere,
  isTapName,
  isUnreadable,
  isUplink,
  type Knowledge,
  membersOf,
  rowOfTap,
  uplinksOf,
  wayOf,
} from './knowledge.js';

/** What a judge knows besides the host before and after an operation. */
export interface Case {
  readonly settings: HostSettings;
  readonly knowledge: Knowledge;
  /** The answer the pass works from; null: it works from memory. */
  readonly telling: Telling | null;
  readonly foreign: ReadonlySet<IfIndex>;
  /** Whether the silence of this answer about a tap or a network may be believed. */
  readonly trusts: (about: string) => boolean;
  /** Whether the answer is believed about any removal, see `Trust`. */
  readonly isTimely: () => boolean;
  /** Whether the port is only up because the answer is older than what was known, see `Trust`. */
  readonly isDownSince: (port: PortId) => boolean;
}

/** What one operation did that the guard counts. */
export interface Loss {
  readonly taps: readonly IfIndex[];
  readonly byMissingRow: boolean;
}

/** What is wrong with an operation, and what it took away. */
export interface Judgement {
  readonly faults: readonly string[];
  readonly losses: readonly Loss[];
}

/** Judges by what became of the links, whatever the operation calls itself. */
export function judgeOperation(before: HostState, after: HostState, theCase: Case): Judgement {
  const changed = [...before.links.values()].filter((link) => after.links.get(link.index) !== link);
  const added = [...after.links.values()].filter(({ index }) => !before.links.has(index));
  const removals = changed.map((link) => removal(before, link, after.links.get(link.index) ?? null, theCase));
  const losses = removals.flatMap((one) => one.losses);
  const isTooOld = losses.length > 0 && !theCase.isTimely();
  const joined = [...changed, ...added].flatMap((link) => {
    const now = after.links.get(link.index);
    return now !== undefined && now.master !== null && now.master !== link.master ? [now] : [];
  });
  return {
    faults: [
      ...changed.flatMap((link) => foreignTouched(link, after, theCase)),
      ...removals.flatMap(({ faults }) => faults),
      ...(isTooOld ? [`${names(changed)} changed because of an answer older than what was known`] : []),
      ...joined.flatMap((link) => wronglyJoined(after, link, theCase)),
      ...strandedAddresses(before, after, theCase),
    ],
    losses,
  };
}

/** A mapped bridge follows the lowest MTU of its ports: that is the kernel's doing. */
function foreignTouched(link: Link, after: HostState, { foreign }: Case): string[] {
  const now = after.links.get(link.index);
  if (!foreign.has(link.index)) return [];
  return now !== undefined && isDeepStrictEqual({ ...link, mtu: 0 }, { ...now, mtu: 0 })
    ? []
    : [`foreign device ${link.name} was changed`];
}

const names = (links: readonly Link[]): string => links.map(({ name }) => name).join(', ');

const NO_REMOVAL: Judgement = { faults: [], losses: [] };
const wrong = (fault: string): Judgement => ({ faults: [fault], losses: [] });

function removal(before: HostState, link: Link, now: Link | null, theCase: Case): Judgement {
  const bridge = link.master === null ? undefined : before.links.get(link.master);
  if (bridge !== undefined && now?.master !== link.master) {
    if (isTapName(link.name)) return tapTakenOut(before, link, bridge, theCase);
    if (isAgentBridge(bridge) && isUplink(link, theCase.settings)) {
      return uplinkTakenOut(before, link, bridge, theCase);
    }
    return wrong(`${link.name}, which is not the agent's, was taken out of ${bridge.name}`);
  }
  if (now !== null) return NO_REMOVAL;
  if (isAgentBridge(link)) return bridgeDeleted(before, link, theCase);
  const isOwnVlan = link.detail.kind === 'vlan' && networkOfLabel(link.alias) !== null;
  return isOwnVlan ? NO_REMOVAL : wrong(`${link.name} was deleted, which is not the agent's`);
}

function tapTakenOut(before: HostState, tap: Link, bridge: Link, theCase: Case): Judgement {
  const { settings, knowledge, telling, trusts } = theCase;
  const taken = `${tap.name} was taken out of ${bridge.name}`;
  if (!isPlugged(before, tap, settings)) return wrong(`${taken}, which is not the agent's`);
  if (telling === null) return wrong(`${taken} from memory`);
  if (!telling.present.has(tap.index)) return wrong(`${taken}, although it came after the snapshot`);
  const row = rowOfTap(knowledge, tap.name);
  const lost = { taps: [tap.index], byMissingRow: false };
  switch (row.kind) {
    case 'bad':
    case 'several':
      return wrong(`${taken}, although its row cannot be used (${row.kind})`);
    case 'none':
      if (!isAskedFor(telling, tap.name)) return wrong(`${taken}, although nobody asked for it`);
      return trusts(`tap ${tap.index}`)
        ? { faults: [], losses: [{ ...lost, byMissingRow: true }] }
        : wrong(`${taken} because of an answer that cannot be believed`);
    case 'one':
      break;
  }
  const { port } = row;
  if (!isServedHere(port)) return wrong(`${taken}, although its port is ${port.binding.kind}`);
  if (!port.adminUp) return { faults: [], losses: [lost] };
  const network = knowledge.networks.get(port.networkId);
  if (network === undefined) {
    return trusts(`network ${port.networkId}`)
      ? { faults: [], losses: [{ ...lost, byMissingRow: true }] }
      : wrong(`${taken} because of an answer without its network that cannot be believed`);
  }
  return isItsBridge(before, bridge, network, theCase)
    ? wrong(`${taken}, where every answer since wants it`)
    : { faults: [], losses: [lost] };
}

/** False, too, when another network disputes the mapped bridge: only one of them can have it. */
function isItsBridge(
  state: HostState,
  bridge: Link,
  network: Network,
  { settings, knowledge }: Case,
): boolean {
  const way = wayOf(network, state, settings);
  if (way.kind !== 'joined') return isAgentBridge(bridge) && networkOfLabel(bridge.alias) === network.id;
  const isDisputed = [...knowledge.networks.values()].some((other) => {
    const others = wayOf(other, state, settings);
    return other.id !== network.id && others.kind === 'joined' && others.bridge.index === way.bridge.index;
  });
  return way.bridge.index === bridge.index && !isDisputed;
}

/** Whether the question was about the tap of that name. */
export const isAskedFor = ({ question }: Telling, name: string): boolean =>
  question.taps.some((tap) => nameAskedFor(tap) === name);

function nameAskedFor(tap: TapQuestion): string {
  switch (tap.by) {
    case 'id':
      return tapName(tap.id);
    case 'suffix':
      return `tap${tap.suffix}`;
    case 'device':
      return tap.device;
  }
}

function uplinkTakenOut(before: HostState, uplink: Link, bridge: Link, theCase: Case): Judgement {
  const { settings, knowledge, telling, trusts } = theCase;
  const taken = `uplink ${uplink.name} was taken out of ${bridge.name}`;
  if (telling === null) return wrong(`${taken} from memory`);
  const [network, more] = [...knowledge.networks.values()].filter((one) => isBridgeOf(bridge, one));
  // A bridge without a label that two networks may mean is nobody's yet.
  if (more !== undefined) return NO_REMOVAL;
  const id = network?.id ?? networkOfLabel(bridge.alias);
  const taps = membersOf(before, bridge).filter(({ name }) => {
    const row = rowOfTap(knowledge, name);
    // A tap whose row is on another network leaves anyway, and is counted for itself.
    return isTapName(name) && (row.kind !== 'one' || row.port.networkId === id);
  });
  const losses = [{ taps: taps.map(({ index }) => index), byMissingRow: network === undefined }];
  if (network === undefined) {
    return id === null || trusts(`network ${id}`)
      ? { faults: [], losses }
      : wrong(`${taken} because of an answer without its network that cannot be believed`);
  }
  const way = wayOf(network, before, settings);
  if (isUnreadable(network)) return wrong(`${taken}, although nothing is known of its segment`);
  return way.kind === 'uplink' && way.fits(uplink)
    ? wrong(`${taken}, where every answer since wants it`)
    : { faults: [], losses };
}

function bridgeDeleted(before: HostState, bridge: Link, theCase: Case): Judgement {
  const { telling, knowledge, settings, trusts } = theCase;
  const id = networkOfLabel(bridge.alias);
  if (telling === null) return wrong(`${bridge.name} was deleted from memory`);
  if (!telling.present.has(bridge.index)) {
    return wrong(`${bridge.name} was deleted, although it came after the snapshot`);
  }
  if (id === null) return NO_REMOVAL;
  const network = knowledge.networks.get(id);
  if (network !== undefined) {
    const isOnAnother = wayOf(network, before, settings).kind === 'joined';
    return isOnAnother ? NO_REMOVAL : wrong(`${bridge.name} was deleted, although its network exists`);
  }
  return trusts(`network ${id}`)
    ? NO_REMOVAL
    : wrong(`${bridge.name} was deleted because of an answer that cannot be believed`);
}

/** A tap or an uplink has come into a bridge: it must be the right one, and alone of its kind. */
function wronglyJoined(after: HostState, link: Link, theCase: Case): string[] {
  const bridge = link.master === null ? undefined : after.links.get(link.master);
  if (bridge === undefined) return [];
  const { settings, knowledge } = theCase;
  const into = `${link.name} was attached to ${bridge.name}`;
  const row = isTapName(link.name) ? rowOfTap(knowledge, link.name) : null;
  if (row !== null && row.kind !== 'one') return [`${into}, although nothing is known of it (${row.kind})`];
  const port = row?.port ?? null;
  if (port !== null && (!isServedHere(port) || !port.adminUp)) return [`${into}, although its row says no`];
  if (port !== null && theCase.isDownSince(port.id)) return [`${into}, although it was set down since`];
  const id = port?.networkId ?? networkOfLabel(bridge.alias);
  const network = id === null ? undefined : knowledge.networks.get(id);
  if (network === undefined) return [`${into}, and nothing is known of the network`];
  const way = wayOf(network, after, settings);
  if (way.kind === 'blocked') return [`${into}, although its network cannot be realised`];
  if (way.kind === 'joined') return way.bridge.index === bridge.index ? [] : [`${into}, the wrong bridge`];
  if (networkOfLabel(bridge.alias) !== network.id) return [`${into}, a bridge of another network`];
  const uplinks = uplinksOf(after, bridge, settings);
  const strange = uplinks.filter((uplink) => way.kind === 'local' || !way.fits(uplink));
  if (strange.length > 0) return [`${into}, which has the uplink ${strange[0]?.name} of another segment`];
  return way.kind === 'uplink' && uplinks.length !== 1
    ? [`${into}, which has ${uplinks.length} uplinks`]
    : [];
}

/** What the host is reached by through a mapped interface stays on it or on the bridge it is in. */
function strandedAddresses(before: HostState, after: HostState, { settings }: Case): string[] {
  return [...settings.physicalInterfaces.values()].flatMap((name) => {
    const now = reachOf(after, name);
    const lost = reachOf(before, name).filter((what) => !now.includes(what));
    return lost.length === 0 ? [] : [`the host is no longer reached by ${lost.join(', ')} over ${name}`];
  });
}

function reachOf(state: HostState, name: Link['name']): string[] {
  const link = state.byName.get(name);
  const master = link?.master == null ? undefined : state.links.get(link.master);
  const carriers = [link, master].filter((carrier) => carrier !== undefined);
  return carriers.flatMap((carrier) => [
    ...carrier.addresses.flatMap(({ address, scope }) => (scope === 253 ? [] : [address])),
    ...routesOn(carrier).map(({ destination, gateway }) => `${destination} via ${gateway}`),
  ]);
}
