import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { HANG_LIMIT_MS } from '../limit.js';
import { type Cleanup, endProcess, ip, makeNamespace, spawnIn } from './netns.js';

const PORT = 7000;
const PACKET_EVERY_MS = 10;
/** How long the last packets may be on their way; on an idle host one takes far less than a millisecond. */
const ON_THE_WAY_MS = 400;

/** Sends every packet back to where it came from. */
const ECHO = (address: string): string => `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (packet, from) => socket.send(packet, from.port, from.address));
  socket.bind(${PORT}, '${address}', () => console.log('ready'));`;

/** Counts from the first packet that is answered; a line on stdin ends it, and it prints what it counted. */
const TALK = (address: string): string => `
  const socket = require('node:dgram').createSocket('udp4');
  const waiting = new Set();
  let sent = 0, answered = 0, open = false;
  socket.on('message', (packet) => {
    if (!open) { open = true; sent = 0; waiting.clear(); console.log('ready'); return; }
    if (waiting.delete(packet.readUInt32LE())) answered += 1;
  });
  // A network that is unreachable for a moment is a lost packet, not the end.
  socket.on('error', () => {});
  const timer = setInterval(() => {
    const packet = Buffer.alloc(64);
    packet.writeUInt32LE(++sent);
    waiting.add(sent);
    socket.send(packet, ${PORT}, '${address}', () => {});
  }, ${PACKET_EVERY_MS});
  process.stdin.once('data', () => {
    clearInterval(timer);
    setTimeout(() => { console.log(JSON.stringify({ sent, lost: sent - answered })); process.exit(0); }, ${ON_THE_WAY_MS});
  });`;

export interface Counted {
  readonly sent: number;
  readonly lost: number;
}

/** Frames that flow between two guests, one hundred a second in each direction. */
export interface Traffic {
  /** Ends it; how many packets were sent since the first answer, and how many never came back. */
  stop(): Promise<Counted>;
}

/** One end of the traffic: a namespace with an address of 10.77.0.0/24. */
export interface Guest {
  readonly namespace: string;
  readonly address: string;
}

/**
 * Plugs a guest in: a veth pair whose near end has a tap's name in the host, as libvirt's tap has the virtual machine
 * behind it. `n` gives its address.
 */
export function makeGuest(t: Cleanup, hostNamespace: string, tap: string, n: number): Guest {
  const namespace = makeNamespace(t);
  ip(hostNamespace, 'link', 'add', tap, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  ip(namespace, 'address', 'add', `10.77.0.${n}/24`, 'dev', 'eth0');
  ip(namespace, 'link', 'set', 'eth0', 'up');
  return { namespace, address: `10.77.0.${n}` };
}

/** Lets packets flow between two guests whose taps are wired; resolves with the first answer. Ends with the test. */
export async function startTraffic(t: Cleanup, from: Guest, to: Guest): Promise<Traffic> {
  await started(t, to.namespace, ECHO(to.address));
  const talk = await started(t, from.namespace, TALK(to.address));
  return {
    stop: async () => {
      talk.stdin?.write('stop\n');
      return JSON.parse(await nextLine(talk)) as Counted;
    },
  };
}

async function started(t: Cleanup, namespace: string, script: string): Promise<ChildProcess> {
  const child = spawnIn(namespace, process.execPath, '-e', script);
  t.after(() => endProcess(child));
  await nextLine(child);
  return child;
}

async function nextLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('a guest has no output');
  const [line] = (await once(stdout, 'data', { signal: AbortSignal.timeout(HANG_LIMIT_MS) })) as [Buffer];
  return line.toString();
}
