import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { HANG_LIMIT_MS } from '../limit.js';
import { type Cleanup, endProcess, spawnIn } from './netns.js';
import type { Guest } from './traffic.js';

/** What came of a stream. */
export interface Streamed {
  readonly sent: number;
  readonly lost: number;
  /** Frames that came more than once. */
  readonly doubled: number;
}

/** Numbered frames that go one way, so many a second. */
export interface Stream {
  /** Ends it, and counts when the last frames have come. */
  stop(): Promise<Streamed>;
}

const RECEIVE = (address: string, port: number): string => `
  const socket = require('node:dgram').createSocket('udp4');
  const seen = new Set();
  let doubled = 0;
  socket.on('message', (packet) => {
    const number = packet.readUInt32LE();
    if (seen.has(number)) doubled += 1;
    seen.add(number);
  });
  socket.bind(${port}, '${address}', () => console.log('ready'));
  // What came and found no room, since this program was not scheduled, did come.
  const overrun = () => {
    const [names, values] = require('node:fs').readFileSync('/proc/self/net/snmp', 'utf8').match(/^Udp:.*$/gm);
    return Number(values.split(' ')[names.split(' ').indexOf('RcvbufErrors')]);
  };
  process.stdin.once('data', () => {
    console.log(JSON.stringify({ came: seen.size + overrun(), doubled }));
    process.exit(0);
  });`;

/** Timers come late; what should have gone by now goes at once. */
const SEND = (address: string, port: number, perSecond: number): string => `
  const socket = require('node:dgram').createSocket('udp4');
  const began = performance.now();
  let sent = 0;
  socket.on('error', () => {});
  const timer = setInterval(() => {
    const due = (performance.now() - began) * ${perSecond} / 1000;
    for (; sent < due; sent++) {
      const packet = Buffer.alloc(64);
      packet.writeUInt32LE(sent);
      socket.send(packet, ${port}, '${address}', () => {});
    }
  }, 1);
  console.log('ready');
  process.stdin.once('data', () => {
    clearInterval(timer);
    setTimeout(() => { console.log(JSON.stringify({ sent })); process.exit(0); }, 500);
  });`;

/** Sends frames from one guest to another; `port` tells it from other streams. Ends with the test. */
export async function startStream(
  t: Cleanup,
  { from, to, port, perSecond }: { from: Guest; to: Guest; port: number; perSecond: number },
): Promise<Stream> {
  const receiver = await started(t, to.namespace, RECEIVE(to.address, port));
  const sender = await started(t, from.namespace, SEND(to.address, port, perSecond));
  return {
    stop: async () => {
      const { sent } = await told<{ sent: number }>(sender);
      const { came, doubled } = await told<{ came: number; doubled: number }>(receiver);
      return { sent, lost: sent - came, doubled };
    },
  };
}

async function started(t: Cleanup, namespace: string, script: string): Promise<ChildProcess> {
  const child = spawnIn(namespace, process.execPath, '-e', script);
  t.after(() => endProcess(child));
  await nextLine(child);
  return child;
}

async function told<Answer>(child: ChildProcess): Promise<Answer> {
  child.stdin?.write('stop\n');
  return JSON.parse(await nextLine(child)) as Answer;
}

async function nextLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('a guest has no output');
  const [line] = (await once(stdout, 'data', { signal: AbortSignal.timeout(HANG_LIMIT_MS) })) as [Buffer];
  return line.toString();
}
