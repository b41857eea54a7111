import type { IfIndex } from '../model/ids.js';
import { KernelError } from '../model/kernel.js';
import type { HostState } from '../model/link.js';
import { decodeAddress, dumpAddresses } from './addresses/addresses.js';
import type { TapFilterTable } from './filtering/tap-filter.js';
import type { ForwardingTable } from './forwarding/table.js';
import { type BareLink, decodeLink, dumpLinks, getLink, linkOfSettings } from './links.js';
import { GROUPS, RTM } from './netlink/constants.js';
import { whenReadable } from './netlink/libc.js';
import { type Message, TornRead } from './netlink/message.js';
import type { Requests } from './netlink/requests.js';
import { discard, type NetlinkSocket, openSocket } from './netlink/socket.js';
import { makePicture, type Picture } from './picture.js';

/** Some 5,000 events may wait while a pass is busy; more cost one full read, which is cheap. */
const RECEIVE_BYTES = 16 * 1024 * 1024;
const READ_ATTEMPTS = 5;

/** The reading half of `Kernel`. */
export interface Observer {
  observe(): HostState;
  invalidate(): void;
  /**
   * Takes in every notification that waits. The kernel queues them before it answers the request that caused them, so
   * that the picture is then the one of this moment.
   */
  catchUp(): void;
  /** The link as it was when last caught up, without its addresses; null when it is gone. */
  linkAt(index: IfIndex): BareLink | null;
  /** The link's IPv4 or IPv6 settings were written: the kernel announces such a change to nobody. */
  refresh(index: IfIndex): void;
  watch(look: () => void): void;
  close(): void;
}

/**
 * Subscribes to the notifications of links and addresses, and keeps the picture. Routes are not subscribed to
 * (a host may carry a million of them): who moves addresses reads them. Throws KernelError.
 */
export function openObserver(
  requests: Requests,
  tapFilter: Pick<TapFilterTable, 'look'>,
  forwarding: Pick<ForwardingTable, 'look'>,
): Observer {
  const { link, ipv4Address, ipv6Address, ipv4Settings } = GROUPS;
  const events = openSocket(link | ipv4Address | ipv6Address | ipv4Settings, RECEIVE_BYTES);
  const stale = new Set<IfIndex>();
  let picture: Picture | null = null;
  let last: HostState | null = null;
  let watching: ReturnType<typeof whenReadable> | null = null;

  const current = (): Picture => {
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      try {
        picture ??= readAll(requests, events, last);
        drain(events, picture, stale);
        return picture;
      } catch (error) {
        if (!(error instanceof TornRead)) throw error;
        picture = null;
      }
    }
    throw new KernelError('failed', `The links changed under each of ${READ_ATTEMPTS} tries to read them.`);
  };
  const observe = (): HostState => {
    const now = current();
    for (const index of stale) readLink(requests, now, index);
    stale.clear();
    last = now.state({ tapFilter: tapFilter.look(), forwarding: forwarding.look(now.tunnels) });
    return last;
  };
  /** When some of what waits was lost, the next `observe` reads everything again. */
  const catchUp = (): void => {
    try {
      if (picture !== null) drain(events, picture, stale);
    } catch (error) {
      if (!(error instanceof TornRead)) throw error;
      picture = null;
    }
  };
  return {
    catchUp,
    linkAt: (index) => (picture === null ? requests.get(getLink(index), decodeLink) : picture.bare(index)),
    observe: () => {
      try {
        return observe();
      } finally {
        watching?.arm();
      }
    },
    invalidate: () => {
      picture = null;
    },
    refresh: (index) => {
      // What was announced before the write does not tell what was written; what comes after it does.
      catchUp();
      stale.add(index);
    },
    watch: (look) => {
      watching?.close();
      watching = whenReadable(events.fd, look);
    },
    close: () => {
      watching?.close();
      events.close();
    },
  };
}

/** Reads every link and address. What changes meanwhile waits as a notification, to be taken in afterwards. */
function readAll(requests: Requests, events: NetlinkSocket, before: HostState | null): Picture {
  discard(events);
  const picture = makePicture(before);
  for (const link of requests.dump(dumpLinks(), decodeLink)) picture.put(link);
  for (const { index, address } of requests.dump(dumpAddresses(0), decodeAddress)) {
    picture.putAddress(index, address);
  }
  return picture;
}

/**
 * Takes in every notification that waits; a link that one tells of is not `stale` any more. Throws TornRead when some
 * were lost.
 */
function drain(events: NetlinkSocket, picture: Picture, stale: Set<IfIndex>): void {
  events.receiveAll((messages) => {
    for (const told of picture.takeAll(messages)) stale.delete(told);
    for (const index of changedSettings(messages, picture)) stale.add(index);
  });
}

/** Bridges whose IPv4 settings somebody has changed: what they are now is only told to who asks. */
const changedSettings = (messages: readonly Message[], picture: Picture): IfIndex[] =>
  messages.flatMap(({ type, body }) => {
    const index = type === RTM.newSettings ? linkOfSettings(body) : null;
    return index !== null && picture.bare(index)?.detail.kind === 'bridge' ? [index] : [];
  });

function readLink(requests: Requests, picture: Picture, index: IfIndex): void {
  const link = requests.get(getLink(index), decodeLink);
  if (link === null) picture.forget(index);
  else picture.put(link);
}
