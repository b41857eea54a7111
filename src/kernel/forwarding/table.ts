import { entryKey, type Forwarding, type ForwardingEntry } from '../../model/forwarding.js';
import type { IfIndex } from '../../model/ids.js';
import { KernelError } from '../../model/kernel.js';
import { isSame } from '../../model/same.js';
import { AF, GROUPS, NTF_SELF, NUD } from '../netlink/constants.js';
import { whenReadable } from '../netlink/libc.js';
import { TornRead } from '../netlink/message.js';
import type { Requests } from '../netlink/requests.js';
import { discard, type NetlinkSocket, openSocket } from '../netlink/socket.js';
import { decodeEntry, dumpEntries } from './entries.js';

/** Some thousand entries may be announced while a pass is busy; more cost one reading of every tunnel. */
const RECEIVE_BYTES = 4 * 1024 * 1024;

/** What the tunnels of this host have been told about the other ends. */
export interface ForwardingTable {
  /**
   * The entries of these tunnels as they are now. A tunnel about which nothing was announced is not read again, and of
   * equal entries there is one object. Throws KernelError.
   */
  look(tunnels: Iterable<IfIndex>): Forwarding;
  /** Forgets what was read. */
  invalidate(): void;
  /** Calls `look` (at most once until the next `look`) when an entry was written or deleted. */
  watch(look: () => void): void;
  close(): void;
}

/** Opens nothing before there is a tunnel: then it subscribes to what is written into forwarding databases. */
export function openForwarding(requests: Requests): ForwardingTable {
  let events: NetlinkSocket | null = null;
  let told: (() => void) | null = null;
  const known = new Map<IfIndex, readonly ForwardingEntry[]>();
  const stale = new Set<IfIndex>();
  let last: Forwarding = new Map();
  let watching: ReturnType<typeof whenReadable> | null = null;
  const entriesOf = (tunnel: IfIndex): readonly ForwardingEntry[] => {
    const before = known.get(tunnel);
    if (before !== undefined && !stale.has(tunnel)) return before;
    const now = readEntries(requests, tunnel);
    const entries = before !== undefined && isSame(before, now) ? before : now;
    known.set(tunnel, entries);
    stale.delete(tunnel);
    return entries;
  };
  const listen = (): NetlinkSocket => {
    const opened = openSocket(GROUPS.neighbour, RECEIVE_BYTES, WRITTEN_ONLY);
    if (told !== null) watching = whenReadable(opened.fd, told);
    return opened;
  };
  const look = (tunnels: readonly IfIndex[]): Forwarding => {
    if (events === null && tunnels.length === 0) return last;
    events ??= listen();
    drain(events, stale, known);
    const now = new Map(tunnels.map((tunnel) => [tunnel, entriesOf(tunnel)]));
    for (const tunnel of known.keys()) if (!now.has(tunnel)) known.delete(tunnel);
    const isAsBefore =
      now.size === last.size && [...now].every(([tunnel, entries]) => last.get(tunnel) === entries);
    if (!isAsBefore) last = now;
    return last;
  };
  return {
    look: (tunnels) => {
      try {
        return look([...tunnels]);
      } finally {
        watching?.arm();
      }
    },
    invalidate: () => known.clear(),
    watch: (announce) => {
      watching?.close();
      told = announce;
      watching = events === null ? null : whenReadable(events.fd, announce);
    },
    close: () => {
      watching?.close();
      events?.close();
    },
  };
}

const readEntries = (requests: Requests, tunnel: IfIndex): ForwardingEntry[] =>
  requests
    // Kernels before 4.20 may answer with those of other links.
    .dump(dumpEntries(tunnel), (body) => ofTunnel(decodeEntry(body), tunnel))
    .map((entry) => ({ key: entryKey(entry), entry }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ entry }) => entry);

const ofTunnel = (told: ReturnType<typeof decodeEntry>, tunnel: IfIndex): ForwardingEntry | null =>
  told?.index === tunnel ? told.entry : null;

/** Notes which tunnels were written to. When some of what waits was lost, nothing that was read before counts. */
function drain(
  events: NetlinkSocket,
  stale: Set<IfIndex>,
  known: ReadonlyMap<IfIndex, readonly ForwardingEntry[]>,
): void {
  try {
    events.receiveAll((messages) => {
      for (const { body } of messages) {
        const told = decodeEntry(body);
        if (told !== null) stale.add(told.index);
      }
    });
  } catch (error) {
    if (!(error instanceof TornRead)) throw error;
    for (const tunnel of known.keys()) stale.add(tunnel);
    discardAll(events);
  }
}

function discardAll(events: NetlinkSocket): void {
  try {
    discard(events);
  } catch (error) {
    if (!(error instanceof TornRead)) throw error;
    throw new KernelError('failed', `The tunnels could not be read: ${error.message}.`, { cause: error });
  }
}

/** Where in a message of the kernel are the parts of `ndmsg` that the program below looks at. */
const [FAMILY, STATE, FLAGS] = [16, 24, 26];
const LOAD_BYTE = 0x30;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_ANY_BIT = 0x45;
const RETURN = 0x06;

/**
 * The socket's own filter, which the kernel runs (classic BPF): only what somebody wrote into a link's own forwarding
 * database comes in. Every frame with a new source address is announced too, and a guest could send some hundred thousand a second:
 * it would be these that fill the socket.
 */
const WRITTEN_ONLY = [
  [LOAD_BYTE, 0, 0, FAMILY],
  [JUMP_IF_EQUAL, 0, 5, AF.bridge],
  [LOAD_BYTE, 0, 0, STATE],
  [JUMP_IF_ANY_BIT, 0, 3, NUD.permanent],
  [LOAD_BYTE, 0, 0, FLAGS],
  [JUMP_IF_ANY_BIT, 0, 1, NTF_SELF],
  [RETURN, 0, 0, 0xffffffff],
  [RETURN, 0, 0, 0],
] as const;
