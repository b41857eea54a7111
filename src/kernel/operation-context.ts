import type { IfIndex, LinkName } from '../model/ids.js';
import type { MoveJournal } from '../model/kernel.js';
import type { LinkRef } from '../model/operation.js';
import type { TapFilterTable } from './filtering/tap-filter.js';
import { type BareLink, decodeLink, getLink, linkHeader } from './links.js';
import { RTM } from './netlink/constants.js';
import { expectDone, Refused } from './netlink/refused.js';
import type { Requests } from './netlink/requests.js';

/** What an operation works with. */
export interface Host {
  readonly requests: Requests;
  /** The agent's nftables table. */
  readonly tapFilter: Pick<TapFilterTable, 'set'>;
  /** The links that earlier operations of the same plan made. */
  readonly made: Map<LinkName, IfIndex>;
  /** Whether this kernel lacks it; null: nobody has asked yet. */
  readonly lacking: { vlanFiltering: boolean | null };
  /** Where moves of addresses are written down while they are under way. */
  readonly journal: MoveJournal;
  /** Takes in what the kernel has announced; each operation begins with it, see `Observer.catchUp`. */
  readonly catchUp: () => void;
  /** The link as it was when last caught up; null when it is gone. */
  readonly linkAt: (index: IfIndex) => BareLink | null;
  /** Tells the observer that a link's IPv4 or IPv6 settings were written. */
  readonly refresh: (index: IfIndex) => void;
}

/**
 * The link as it is at this moment; null when it is gone. An index may be used again for another link, and
 * the name is what tells. Throws Refused when index and name do not belong together any more, or nothing made
 * the link.
 */
export function findLink(host: Host, ref: LinkRef): BareLink | null {
  const index = ref.index ?? host.made.get(ref.name);
  if (index === undefined) throw new Refused('ENODEV', `${ref.name} was not made by this plan.`);
  const link = host.linkAt(index);
  if (link !== null && link.name !== ref.name) {
    throw new Refused('ENODEV', `Interface ${index} is ${link.name} now, not ${ref.name}.`);
  }
  return link;
}

/** The link as it is at this moment. Throws Refused, also when it is gone. */
export function presentLink(host: Host, ref: LinkRef): BareLink {
  const link = findLink(host, ref);
  if (link === null) throw new Refused('ENODEV', `${ref.name} is gone.`);
  return link;
}

/** The link of that name; null when there is none. */
export const linkNamed = (host: Host, name: LinkName): BareLink | null =>
  host.requests.get(getLink(name), decodeLink);

/** Changes attributes of one link in one request. Throws Refused; `what` as in `could not …`. */
export function changeLink(host: Host, index: IfIndex, what: string, ...attributes: Buffer[]): void {
  const body = Buffer.concat([linkHeader(index), ...attributes]);
  expectDone(host.requests.exchange([{ type: RTM.newLink, flags: 0, body }])[0], what);
}
