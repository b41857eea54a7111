import { type LookupAddress, lookup } from 'node:dns';
import { isIP, type LookupFunction, Socket } from 'node:net';
import { readRegularFile } from '../files/read-file.js';
import { within } from './limit.js';

/** Where an address is known from before, the name service is waited for no longer than a healthy one takes. */
const KNOWN_WAIT_MS = 200;

/**
 * Look-ups that have not ended, one for each name. getaddrinfo(3) cannot be ended, with a dead name server it lasts a
 * minute or more, and Node has only two threads for it: with one for each try there would soon be none for other names.
 */
const underWay = new Map<string, Promise<readonly LookupAddress[]>>();
const HOSTS_FILE = '/etc/hosts';
const HOSTS_FILE_BYTES_MAX = 4 * 1024 * 1024;
/** What names meant last. */
const known = new Map<string, readonly LookupAddress[]>();

/** Whether a name is still being looked up that has never been found: who waits for a connection waits for that. */
export const isLookedUp = (host: string | null): boolean =>
  host !== null && underWay.has(host) && !known.has(host);

/** A socket to a database server, which finds names in the way above. It connects when the driver tells it to. */
export function databaseSocket(): Socket {
  const socket = new Socket();
  const { connect } = socket;
  return Object.assign(socket, {
    /** A port and a host, or the path of a Unix socket: so the drivers call it. */
    connect: (to: number | string, host = 'localhost'): Socket => {
      const options =
        typeof to === 'string' ? { path: to } : { port: to, host, lookup: find, autoSelectFamily: true };
      return Reflect.apply(connect, socket, [options]);
    },
  });
}

/** As Node's own `lookup`: all addresses. */
const find: LookupFunction = (host, _options, tell) => {
  addressesOf(host).then(
    (addresses) => tell(null, [...addresses]),
    (error: NodeJS.ErrnoException) => tell(error, []),
  );
};

/**
 * Of a look-up that fails or takes its time the last address stands in, or the one of the hosts file (two dead names hold both
 * threads, and with them every other name), unless the name service knows of no such name.
 */
async function addressesOf(host: string): Promise<readonly LookupAddress[]> {
  const asked = underWay.get(host) ?? ask(host);
  const last = known.get(host) ?? listed(host);
  if (last === undefined) return asked;
  const late = (): NodeJS.ErrnoException => Object.assign(new Error('late'), { code: 'EAI_AGAIN' });
  return within(KNOWN_WAIT_MS, asked, late).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTFOUND') throw error;
    return last;
  });
}

function ask(host: string): Promise<readonly LookupAddress[]> {
  const asked = new Promise<readonly LookupAddress[]>((settle, fail) => {
    lookup(host, { all: true }, (error, addresses) => {
      underWay.delete(host);
      if (error === null) known.set(host, addresses);
      if (error === null) settle(addresses);
      else fail(error);
    });
  });
  // Whoever asked may have given up: the address counts all the same.
  asked.catch(() => {});
  underWay.set(host, asked);
  return asked;
}

/** What the hosts file says of a name; undefined: nothing, or it cannot be read. */
function listed(host: string): readonly LookupAddress[] | undefined {
  try {
    const text = readRegularFile(HOSTS_FILE, HOSTS_FILE_BYTES_MAX).toString('latin1');
    const found = text.split('\n').flatMap((line) => {
      const [address = '', ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
      const family = isIP(address);
      return family > 0 && names.includes(host.toLowerCase()) ? [{ address, family }] : [];
    });
    return found.length > 0 ? found : undefined;
  } catch {
    // The hosts file only stands in for the name service, which is asked all the same and says what is wrong.
    return undefined;
  }
}
