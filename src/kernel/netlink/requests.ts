import { KernelError } from '../../model/kernel.js';
import { NLM_F, NLMSG } from './constants.js';
import { errnoNameOf } from './libc.js';
import {
  type Acknowledgement,
  decodeAcknowledgement,
  decodeDone,
  encodeRequest,
  type Message,
  type Request,
  TornRead,
} from './message.js';
import { expectReadable } from './refused.js';
import { type NetlinkSocket, openSocket } from './socket.js';

/**
 * One exchange may hold this many requests: their acknowledgements all have to fit into the receive buffer.
 */
export const REQUESTS_PER_EXCHANGE_MAX = 500;
const RECEIVE_BYTES = 2 * 1024 * 1024;
const DUMP_ATTEMPTS = 5;
/** A host has thousands of links and perhaps a million routes; each datagram holds some 20. */
const DATAGRAMS_PER_ANSWER_MAX = 1_000_000;

/** Success, or the kernel's refusal. */
export type Answer =
  | { readonly ok: true }
  | { readonly ok: false; readonly errno: string; readonly message: string };

/** Asks the kernel and gets its answer within the same call: rtnetlink does its work inside `send`. */
export interface Requests {
  /**
   * Sends all requests in one datagram, which the kernel carries out in order and without regard to earlier
   * failures, also when the process is killed meanwhile. One answer each, but for the frame of a batch. Throws KernelError.
   */
  exchange(requests: readonly Request[]): Answer[];
  /**
   * The one message that answers a request for a single object, decoded; null when there is none (ENODEV).
   * Throws KernelError.
   */
  get<Item>(request: Request, decode: (body: Buffer) => Item | null): Item | null;
  /**
   * Every object that a dump lists and `decode` takes. Read again when it was interrupted by a change. Throws
   * KernelError.
   */
  dump<Item>(request: Request, decode: (body: Buffer) => Item | null): Item[];
  close(): void;
}

/** Opens a socket for requests; `open` gives a new one after each torn answer. Throws KernelError. */
export function openRequests(open: () => NetlinkSocket = () => openSocket(0, RECEIVE_BYTES)): Requests {
  /** null once it is closed: its descriptor may be somebody else's by now. */
  let socket: NetlinkSocket | null = open();
  let sequence = 0;
  const close = () => {
    socket?.close();
    socket = null;
  };
  const run = <Result>(ask: (socket: NetlinkSocket, first: number) => Result, count = 1): Result => {
    socket ??= open();
    const first = sequence + 1;
    sequence = (sequence + count) & 0x7fffffff;
    try {
      return ask(socket, first);
    } catch (error) {
      // The rest of a torn answer may still be waiting: the next request has a new socket, with none of it.
      close();
      throw error;
    }
  };
  return {
    exchange: (requests) => run((on, first) => exchange(on, requests, first), requests.length),
    get: (request, decode) => insist(() => run((on, first) => get(on, request, first, decode))),
    dump: (request, decode) => insist(() => run((on, first) => dump(on, request, first, decode))),
    close,
  };
}

/** Reads again when a read was torn, a few times; then gives up rather than go on with half of it. */
function insist<Result>(read: () => Result): Result {
  let last: Error | undefined;
  for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof TornRead)) throw error;
      last = error;
    }
  }
  throw new KernelError(
    'failed',
    `The kernel could not be read in ${DUMP_ATTEMPTS} tries: ${last?.message}.`,
    {
      cause: last,
    },
  );
}

function exchange(socket: NetlinkSocket, requests: readonly Request[], first: number): Answer[] {
  if (requests.length === 0) return [];
  if (requests.length > REQUESTS_PER_EXCHANGE_MAX) {
    throw new KernelError('failed', `${requests.length} requests are more than fit in one netlink exchange.`);
  }
  const isFrame = (sequence: number): boolean => requests[sequence - first]?.isFrame === true;
  const asked = requests.map((_, position) => first + position).filter((sequence) => !isFrame(sequence));
  const last = asked.at(-1);
  // What is refused is answered at any rate, before what comes after it: one success is the answer of all the others.
  socket.send(
    Buffer.concat(
      requests.map((request, position) =>
        encodeRequest(request, first + position === last ? NLM_F.ack : 0, first + position),
      ),
    ),
  );
  const answers = new Map<number, Answer>();
  let wholly: Answer | undefined;
  eachReply(socket, first, requests.length, (message) => {
    if (message.type !== NLMSG.error) return false;
    const answer = answerOf(decodeAcknowledgement(message));
    if (isFrame(message.sequence)) wholly = answer;
    else answers.set(message.sequence, answer);
    return wholly !== undefined || message.sequence === last;
  });
  return asked.map((sequence) => wholly ?? answers.get(sequence) ?? DONE);
}

const DONE: Answer = { ok: true };

const answerOf = ({ errno, text }: Acknowledgement): Answer => {
  const name = errnoNameOf(errno);
  return errno === 0 ? { ok: true } : { ok: false, errno: name, message: text === '' ? name : text };
};

function get<Item>(
  socket: NetlinkSocket,
  request: Request,
  sequence: number,
  decode: (body: Buffer) => Item | null,
): Item | null {
  socket.send(encodeRequest(request, NLM_F.ack, sequence));
  let item: Item | null = null;
  eachReply(socket, sequence, 1, (message) => {
    if (message.type !== NLMSG.error) {
      item = decode(message.body);
      return false;
    }
    expectAbsent(answerOf(decodeAcknowledgement(message)));
    return true;
  });
  return item;
}

/** That the link asked about does not exist is an answer; anything else is a failure to read. */
function expectAbsent(answer: Answer): void {
  const isAbsent = !answer.ok && (answer.errno === 'ENODEV' || answer.errno === 'ENXIO');
  if (!isAbsent) expectReadable(answer);
}

function dump<Item>(
  socket: NetlinkSocket,
  request: Request,
  sequence: number,
  decode: (body: Buffer) => Item | null,
): Item[] {
  socket.send(encodeRequest(request, NLM_F.dump, sequence));
  const items: Item[] = [];
  let interrupted = false;
  let errno = 0;
  eachReply(socket, sequence, 1, (message) => {
    if ((message.flags & NLM_F.dumpInterrupted) !== 0) interrupted = true;
    if (message.type === NLMSG.error) errno = decodeAcknowledgement(message).errno;
    else if (message.type === NLMSG.done) errno = decodeDone(message);
    else {
      const item = decode(message.body);
      if (item !== null) items.push(item);
    }
    return message.type === NLMSG.error || message.type === NLMSG.done;
  });
  expectAbsent(answerOf({ errno, text: '' }));
  if (interrupted) throw new TornRead('what was being listed changed meanwhile (NLM_F_DUMP_INTR)');
  return items;
}

/** Hands each reply to `take`, which returns true for the last one. */
function eachReply(
  socket: NetlinkSocket,
  first: number,
  count: number,
  take: (message: Message) => boolean,
): void {
  for (let datagram = 0; datagram < DATAGRAMS_PER_ANSWER_MAX; datagram++) {
    const messages = socket.receive();
    if (messages === null) throw new TornRead('the kernel did not answer');
    for (const message of messages) {
      const ours = message.sequence >= first && message.sequence < first + count;
      if (ours && take(message)) return;
    }
  }
  throw new TornRead('the answer of the kernel does not end');
}
