import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessages, encodeRequest, type Message, TornRead } from '../../src/kernel/netlink/message.js';
import { openRequests } from '../../src/kernel/netlink/requests.js';
import type { NetlinkSocket } from '../../src/kernel/netlink/socket.js';
import { KernelError } from '../../src/model/kernel.js';

const NEW_LINK = 16;
const DONE = 3;
const ACKNOWLEDGEMENT = 2;
const ENOENT = 2;
const INTERRUPTED = 0x10;
const anything = { type: 18, flags: 0, body: Buffer.alloc(16) };
const textOf = (body: Buffer): string => body.toString();

/** The answer to one dump: the given texts, each in a message, and the end. */
const answer =
  (flags: number, ...texts: string[]): ((sequence: number) => Message[]) =>
  (sequence) =>
    [
      ...texts.map((text) => ({ type: NEW_LINK, body: Buffer.from(text) })),
      { type: DONE, body: Buffer.alloc(4) },
    ].flatMap((message) => decodeMessages(encodeRequest({ ...message, flags }, 0, sequence)));

/**
 * Sockets that answer each dump with the next of `answers`: no kernel can be made to be interrupted when a
 * test wants it.
 */
function scripted(answers: ((sequence: number) => Message[])[]): {
  open: () => NetlinkSocket;
  opened: () => number;
} {
  let opened = 0;
  let waiting: Message[][] = [];
  const open = (): NetlinkSocket => {
    opened++;
    waiting = [];
    return {
      fd: -1,
      send: (bytes) => {
        const next = answers.shift();
        if (next !== undefined) waiting.push(next(bytes.readUInt32LE(8)));
      },
      receive: () => waiting.shift() ?? null,
      receiveAll: () => assert.fail('only notifications are read to their end'),
      close: () => undefined,
    };
  };
  return { open, opened: () => opened };
}

test('a dump that was interrupted by a change is read again, on a new socket', () => {
  const { open, opened } = scripted([answer(INTERRUPTED, 'half'), answer(0, 'one', 'two')]);
  assert.deepEqual(openRequests(open).dump(anything, textOf), ['one', 'two']);
  assert.equal(opened(), 2);
});

test('a dump that is interrupted each time is given up, not taken for the truth', () => {
  const { open } = scripted(Array.from({ length: 10 }, () => answer(INTERRUPTED, 'half')));
  assert.throws(() => openRequests(open).dump(anything, textOf), KernelError);
});

test('an answer that does not come is given up', () => {
  const { open } = scripted([]);
  assert.throws(() => openRequests(open).dump(anything, textOf), KernelError);
  assert.throws(() => openRequests(open).exchange([anything]), TornRead);
});

test('of many requests the last alone asks for an answer: those that were refused have theirs, the others were carried out', () => {
  const acknowledged = (sequence: number, errno: number): Message[] => {
    const body = Buffer.alloc(20);
    body.writeInt32LE(-errno);
    return decodeMessages(encodeRequest({ type: ACKNOWLEDGEMENT, flags: 0, body }, 0, sequence));
  };
  const { open } = scripted([(first) => [...acknowledged(first + 1, ENOENT), ...acknowledged(first + 3, 0)]]);
  const answers = openRequests(open).exchange([anything, anything, anything, anything]);
  assert.deepEqual(
    answers.map((one) => (one.ok ? 'done' : one.errno)),
    ['done', 'ENOENT', 'done', 'done'],
  );
});

test('a late answer to an earlier question is not taken for this one’s', () => {
  const late = (sequence: number) => [...answer(0, 'late')(sequence - 1), ...answer(0, 'right')(sequence)];
  const { open } = scripted([late]);
  assert.deepEqual(openRequests(open).dump(anything, textOf), ['right']);
});

test('a socket that could not be opened again is not written to: its descriptor may be somebody else’s by now', () => {
  const { open } = scripted([answer(INTERRUPTED, 'half'), answer(0, 'whole')]);
  let opened = 0;
  const requests = openRequests(() => {
    opened += 1;
    if (opened === 2) throw new KernelError('failed', 'Could not open a netlink socket: EMFILE.');
    const socket = open();
    let isOpen = true;
    return {
      ...socket,
      send: (bytes) => {
        assert.ok(isOpen, 'a closed socket was written to');
        socket.send(bytes);
      },
      close: () => {
        isOpen = false;
      },
    };
  });
  assert.throws(() => requests.dump(anything, textOf), KernelError);
  assert.deepEqual(requests.dump(anything, textOf), ['whole']);
});
