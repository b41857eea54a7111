import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type Counted, type End, type Flow, INTERVAL_MS, nameOf } from './flows.js';
import { type Cleanup, enterNamespace } from './netns.js';

/**
 * The program behind `startFlows`: one process has a socket in each namespace, since a process for each end would take
 * the machine for itself. A packet goes to where its flow leads and is sent back from there.
 */
const PORT = 7001;
/** How long the last packets may be on their way. */
const ON_THE_WAY_MS = 1_000;
const PACKET_BYTES = 64;

interface Sender {
  readonly name: string;
  readonly socket: Socket;
  readonly to: string;
  readonly waiting: Set<number>;
  sent: number;
  isOpen: boolean;
}

/** A socket stays in the namespace in which it was bound. */
async function bind({ namespace }: End, port: number, address: string): Promise<Socket> {
  const leave: Parameters<Cleanup['after']>[0][] = [];
  enterNamespace({ after: (end) => void leave.push(end) }, namespace);
  try {
    const socket = createSocket('udp4');
    socket.bind(port, address);
    await once(socket, 'listening');
    // A network that is unreachable for a moment is a lost packet, not the end.
    socket.on('error', () => {});
    return socket;
  } finally {
    for (const end of leave) await end();
  }
}

async function echo(end: End): Promise<void> {
  const socket = await bind(end, PORT, end.address);
  socket.on('message', (packet, from) => socket.send(packet, from.port, from.address, () => {}));
}

async function open(flow: Flow): Promise<Sender> {
  const socket = await bind(flow.from, 0, flow.from.address);
  const sender: Sender = {
    name: nameOf(flow),
    socket,
    to: flow.to.address,
    waiting: new Set(),
    sent: 0,
    isOpen: false,
  };
  socket.on('message', (packet) => {
    if (sender.isOpen) sender.waiting.delete(packet.readUInt32LE());
    else {
      sender.isOpen = true;
      sender.sent = 0;
      sender.waiting.clear();
    }
  });
  return sender;
}

function send(sender: Sender): void {
  const packet = Buffer.alloc(PACKET_BYTES);
  sender.sent += 1;
  packet.writeUInt32LE(sender.sent);
  sender.waiting.add(sender.sent);
  sender.socket.send(packet, PORT, sender.to, () => {});
}

async function run(flows: readonly Flow[]): Promise<void> {
  const targets = new Map(flows.map(({ to }) => [`${to.namespace} ${to.address}`, to]));
  for (const target of targets.values()) await echo(target);
  const senders: Sender[] = [];
  for (const flow of flows) senders.push(await open(flow));
  let isReady = false;
  setInterval(() => {
    for (const sender of senders) send(sender);
    if (isReady || senders.some(({ isOpen }) => !isOpen)) return;
    isReady = true;
    process.send?.('ready');
  }, INTERVAL_MS);
  process.on('message', () => {
    const upTo = senders.map(({ sent }) => sent);
    setTimeout(() => {
      const counted = senders.map(({ name, waiting }, at): Counted => {
        const sent = upTo[at] ?? 0;
        return { flow: name, sent, lost: [...waiting].filter((number) => number <= sent).length };
      });
      process.send?.(counted);
    }, ON_THE_WAY_MS);
  });
}

process.once('message', (flows: readonly Flow[]) => void run(flows));
