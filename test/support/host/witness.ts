import { spawn } from 'node:child_process';
import { waitUntil } from '../databases/servers.js';
import { HANG_LIMIT_MS } from '../limit.js';
import { type Cleanup, endProcess, ip, ipBatch, ipLink, makeNamespace } from './netns.js';

/**
 * `ip -o monitor` in a namespace while a test runs: everything that the kernel announced about links,
 * addresses and routes.
 */
export interface Witness {
  /** Every event so far, one line each, after all those that happened before this call have arrived. */
  events(): Promise<string[]>;
  /** The events so far that are about one of these devices. */
  eventsOn(...devices: string[]): Promise<string[]>;
  /** Fails when any event so far is about one of these devices. */
  expectNothingOn(...devices: string[]): Promise<void>;
  /** Fails when any event so far shows one of these devices outside of that bridge after it was seen in it. */
  expectToStayIn(bridge: string, ...devices: string[]): Promise<void>;
}

/** Starts to watch; resolves when events are seen. The process ends with the test. */
export async function startWitness(t: Cleanup, namespace: string): Promise<Witness> {
  const monitor = spawn('ip', ['-o', '-n', namespace, 'monitor', 'link', 'address', 'route'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => endProcess(monitor));
  const marks = makeMarks(namespace);
  const lines: string[] = [];
  let rest = '';
  monitor.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  /**
   * Makes an event of the witness's own and waits until it is reported: everything before it has been, too.
   */
  const settle = async () => {
    const limit = performance.now() + HANG_LIMIT_MS;
    // Right after its start the monitor may not listen yet, so the mark is made again.
    for (;;) {
      const mark = marks();
      const until = performance.now() + 200;
      while (performance.now() < until) {
        if (lines.some((line) => line.includes(mark))) return;
        await pause(10);
      }
      if (performance.now() > limit)
        throw new Error(`ip monitor reported nothing within ${HANG_LIMIT_MS} ms`);
    }
  };
  await settle();
  lines.length = 0;
  const events = async () => {
    await settle();
    return lines.filter((line) => !line.includes(MARK_NETWORK));
  };
  const eventsOn = async (...devices: string[]) =>
    (await events()).filter((line) => devices.some((device) => mentions(line, device)));
  return {
    events,
    eventsOn,
    expectNothingOn: async (...devices) => {
      const seen = await eventsOn(...devices);
      if (seen.length > 0) throw new Error(`the kernel announced:\n${seen.join('\n')}`);
    },
    expectToStayIn: async (bridge, ...devices) => {
      const seen = (await events()).filter((line) => /^\d+: /.test(line) || line.startsWith('Deleted'));
      const outside = devices.flatMap((device) => {
        const own = seen.filter((line) => mentions(line, device));
        const first = own.findIndex((line) => mentions(line, bridge));
        return first < 0 ? [] : own.slice(first).filter((line) => !mentions(line, bridge));
      });
      if (outside.length > 0) throw new Error(`seen outside of ${bridge}:\n${outside.join('\n')}`);
    },
  };
}

/** A witness that starts once the kernel has nothing more to say of what was done before. */
export async function startQuietWitness(t: Cleanup, namespace: string): Promise<Witness> {
  const before = await startWitness(t, namespace);
  const carriersAreTold = makeCarrierMark(t);
  const limit = performance.now() + HANG_LIMIT_MS;
  // What is told may have brought about more: the uplink's carrier changes that of its bridge.
  for (let heard = -1, count = 0; count !== heard; ) {
    if (performance.now() > limit) throw new Error('the kernel is not quiet');
    heard = count;
    await carriersAreTold();
    await waitUntil(
      () => ip(namespace, '-6', 'address', 'show', 'tentative') === '',
      'the kernel knows of each address whether somebody else has it',
    );
    count = (await before.events()).length;
  }
  return startWitness(t, namespace);
}

/**
 * The kernel holds the changes of carrier that are not urgent back for up to a second (its linkwatch), and tells them in
 * their order, those of all namespaces together. The result waits until it has told those that came about before the call:
 * a bridge in a namespace of its own loses its only port then, and the kernel has said so. That it gets the port back is
 * urgent, and overtakes the others.
 */
function makeCarrierMark(t: Cleanup): () => Promise<void> {
  const namespace = makeNamespace(t);
  ipBatch(namespace, [
    'link add mark type bridge',
    'link add near type veth peer name far',
    'link set near master mark up',
    'link set mark up',
  ]);
  const set = async (state: 'up' | 'down'): Promise<void> => {
    ip(namespace, 'link', 'set', 'far', state);
    const isTold = () => ipLink(namespace, 'mark')?.operstate === state.toUpperCase();
    await waitUntil(isTold, `the kernel tells that a carrier is ${state}`);
  };
  return async () => {
    await set('up');
    await set('down');
  };
}

/** Documentation addresses (RFC 5737) on the loopback: no test uses them for anything else. */
const MARK_NETWORK = '192.0.2.';

function makeMarks(namespace: string): () => string {
  let count = 0;
  return () => {
    const mark = `${MARK_NETWORK}${(count++ % 250) + 1}`;
    ip(namespace, 'address', 'replace', `${mark}/32`, 'dev', 'lo');
    ip(namespace, 'address', 'del', `${mark}/32`, 'dev', 'lo');
    return `${mark}/32`;
  };
}

/** The device's name as a word of its own: `tap1` is not in `tap11`, but in `tap1@if3:` it is. */
function mentions(line: string, device: string): boolean {
  const escaped = device.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(^|[\\s:])${escaped}(?=[\\s:@\\\\]|$)`).test(line);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
