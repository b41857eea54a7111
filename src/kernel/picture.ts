import type { IfIndex, LinkName } from '../model/ids.js';
import type { Address, HostState, Link, LinkChanges } from '../model/link.js';
import { isSame } from '../model/same.js';
import { addressKey, decodeAddress, withoutLifetimes } from './addresses/addresses.js';
import { type BareLink, decodeLink, indexOfLink } from './links.js';
import { RTM } from './netlink/constants.js';
import type { Message } from './netlink/message.js';

/**
 * What the agent knows of the host's links, kept current message by message. `state` makes of it the value
 * that everybody else reads; what did not change keeps its identity, and so does the whole when nothing did.
 */
export interface Picture {
  /** Takes in notifications; the links that they tell of. Throws MalformedMessage. */
  takeAll(messages: readonly Notification[]): IfIndex[];
  put(link: BareLink): void;
  putAddress(index: IfIndex, address: Address): void;
  forget(index: IfIndex): void;
  /** The links that are VXLAN devices. */
  readonly tunnels: ReadonlySet<IfIndex>;
  /** One link's own part of the picture. */
  bare(index: IfIndex): BareLink | null;
  state(beside: BesideLinks): HostState;
}

/** What of a host's state is asked for elsewhere: what nftables has of the agent's, and what is written in the tunnels. */
export type BesideLinks = Pick<HostState, 'tapFilter' | 'forwarding'>;

/** What of a message is looked at. */
export type Notification = Pick<Message, 'type' | 'body'>;

/**
 * A new picture that follows on `before` (null: the first one): links that are the same stay the same, and
 * versions only grow.
 */
export function makePicture(before: HostState | null): Picture {
  const bare = new Map<IfIndex, BareLink>();
  const addresses = new Map<IfIndex, Map<string, Address>>();
  const touched = new Set<IfIndex>(before?.links.keys());
  const tunnels = new Set<IfIndex>();
  let current: HostState = before ?? stateOf(0, new Map(), NOTHING_BESIDE, null);

  const put = (link: BareLink) => {
    bare.set(link.index, link);
    if (link.detail.kind === 'vxlan') tunnels.add(link.index);
    else tunnels.delete(link.index);
    touched.add(link.index);
  };
  const putAddress = (index: IfIndex, address: Address) => {
    const own = addresses.get(index) ?? new Map<string, Address>();
    addresses.set(index, own.set(addressKey(address), withoutLifetimes(address)));
    touched.add(index);
  };
  const removeAddress = (index: IfIndex, address: Address) => {
    const own = addresses.get(index);
    own?.delete(addressKey(address));
    if (own?.size === 0) addresses.delete(index);
    touched.add(index);
  };
  const forget = (index: IfIndex) => {
    bare.delete(index);
    tunnels.delete(index);
    addresses.delete(index);
    touched.add(index);
  };

  const take = ({ type, body }: Notification): IfIndex | null => {
    if (type === RTM.newLink || type === RTM.delLink) {
      const link = decodeLink(body);
      if (link !== null) type === RTM.newLink ? put(link) : forget(link.index);
      return link?.index ?? null;
    }
    if (type === RTM.newAddress || type === RTM.delAddress) {
      const found = decodeAddress(body);
      if (found !== null) (type === RTM.newAddress ? putAddress : removeAddress)(found.index, found.address);
    }
    return null;
  };
  const takeAll = (messages: readonly Notification[]): IfIndex[] =>
    withoutOutdated(messages).flatMap((message) => take(message) ?? []);
  const linkOf = (index: IfIndex): Link | undefined => {
    const own = bare.get(index);
    const found = [...(addresses.get(index)?.values() ?? [])];
    return own && { ...own, addresses: found };
  };
  const state = (beside: BesideLinks): HostState => {
    current = follow(current, touched, linkOf, beside);
    touched.clear();
    return current;
  };
  return {
    takeAll,
    put,
    putAddress,
    forget,
    tunnels,
    bare: (index) => bare.get(index) ?? null,
    state,
  };
}

/** Leaves out what a later message says anew: a link that changes is told of several times, each time as a whole. */
function withoutOutdated(messages: readonly Notification[]): readonly Notification[] {
  if (messages.length === 1) return messages;
  const last = new Map<number, Notification>();
  for (const message of messages) {
    const index = toldOf(message);
    if (index !== null) last.set(index, message);
  }
  return messages.filter((message) => {
    const index = toldOf(message);
    return index === null || last.get(index) === message;
  });
}

const toldOf = ({ type, body }: Notification): number | null =>
  type === RTM.newLink ? indexOfLink(body) : null;

/** The next version: `before` with the touched links as `linkOf` says; `before` itself when they are as they were. */
function follow(
  before: HostState,
  touched: ReadonlySet<IfIndex>,
  linkOf: (index: IfIndex) => Link | undefined,
  beside: BesideLinks,
): HostState {
  const changed = [...touched]
    .map((index) => [index, linkOf(index)] as const)
    .filter(([index, link]) => !isSame(link, before.links.get(index)));
  const isSameBeside = beside.tapFilter === before.tapFilter && beside.forwarding === before.forwarding;
  if (changed.length === 0 && isSameBeside && before.version > 0) return before;
  const links = new Map(before.links);
  for (const [index, link] of changed) {
    if (link === undefined) links.delete(index);
    else links.set(index, link);
  }
  const changes = { since: before.version, indexes: new Set(changed.map(([index]) => index)) };
  return stateOf(before.version + 1, links, beside, changes);
}

const NOTHING_BESIDE: BesideLinks = { tapFilter: { kind: 'unknown' }, forwarding: new Map() };

/** Names are indexed when somebody asks for one: most states are only compared with the one before. */
function stateOf(
  version: number,
  links: ReadonlyMap<IfIndex, Link>,
  { tapFilter, forwarding }: BesideLinks,
  changes: LinkChanges | null,
): HostState {
  let byName: Map<LinkName, Link> | null = null;
  return {
    version,
    links,
    tapFilter,
    forwarding,
    changes,
    get byName() {
      byName ??= new Map([...links.values()].map((link) => [link.name, link]));
      return byName;
    },
  };
}
