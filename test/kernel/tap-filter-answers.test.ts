import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { openTapFilter } from '../../src/kernel/filtering/tap-filter.js';
import { decodeMessages, encodeRequest, type Message } from '../../src/kernel/netlink/message.js';
import { openRequests } from '../../src/kernel/netlink/requests.js';

const [ERROR, DONE, NEW_GENERATION] = [2, 3, 0x0a0f];
const { ENOMEM, ENOBUFS, ENOENT, EINVAL, EOPNOTSUPP, EAFNOSUPPORT, EPERM } = constants.errno;

type Reply = (asked: readonly Message[]) => Message[];

const reply = (type: number, body: Buffer, { sequence }: Pick<Message, 'sequence'>): Message[] =>
  decodeMessages(encodeRequest({ type, flags: 0, body }, 0, sequence));

/** Every request is answered with this errno, 0 for done. */
const acknowledged =
  (errno: number): Reply =>
  (asked) => {
    const body = Buffer.alloc(20);
    body.writeInt32LE(-errno);
    return asked.flatMap((request) => reply(ERROR, body, request));
  };

/** `nfgenmsg`, and the attribute with generation 1. */
const GENERATION: Reply = (asked) =>
  asked.flatMap((request) => [
    ...reply(NEW_GENERATION, Buffer.from('070000000800010000000001', 'hex'), request),
    ...acknowledged(0)([request]),
  ]);
const NO_CHAINS: Reply = (asked) => asked.flatMap((request) => reply(DONE, Buffer.alloc(4), request));

/** An nftables that answers so, one datagram after another: no kernel has too little memory when a test wants it. */
function nftablesThatSays(...replies: Reply[]) {
  let waiting: Message[] | null = null;
  const open = () => ({
    fd: -1,
    send: (bytes: Buffer) => {
      const next = replies.shift();
      assert.ok(next !== undefined, 'it was asked once more');
      waiting = next(decodeMessages(bytes));
    },
    receive: () => {
      const now = waiting;
      waiting = null;
      return now;
    },
    receiveAll: () => assert.fail('there are no notifications'),
    close: () => undefined,
  });
  return openTapFilter(() => openRequests(open));
}

for (const [name, errno] of Object.entries({ ENOMEM, ENOBUFS })) {
  test(`${name} says nothing of what the kernel can: it is asked again at the next look`, () => {
    const refused = acknowledged(errno);
    const table = nftablesThatSays(
      ...[refused, GENERATION, refused, GENERATION, NO_CHAINS, refused],
      ...[GENERATION, NO_CHAINS, acknowledged(0)],
    );
    for (const step of ['the generation', 'the chains', 'the trial'])
      assert.equal(table.look().kind, 'unsupported', step);
    assert.equal(table.look().kind, 'absent');
  });
}

/** By whether the kernel has no nftables, none for bridges, or not all that the rules are made of. */
const LACKING: Readonly<Record<string, readonly Reply[]>> = {
  'nftables (EINVAL)': [acknowledged(EINVAL)],
  'nftables for bridges (EOPNOTSUPP)': [GENERATION, NO_CHAINS, acknowledged(EOPNOTSUPP)],
  'nftables for bridges (EAFNOSUPPORT)': [GENERATION, NO_CHAINS, acknowledged(EAFNOSUPPORT)],
  'an expression or the kind of chain (ENOENT)': [GENERATION, NO_CHAINS, acknowledged(ENOENT)],
};
for (const [what, replies] of Object.entries(LACKING)) {
  test(`a kernel without ${what} is not asked again`, () => {
    const table = nftablesThatSays(...replies);
    assert.equal(table.look().kind, 'unsupported');
    assert.equal(table.look().kind, 'unsupported');
  });
}

test('it is asked once, and again when it is time to or when it was written', () => {
  const table = nftablesThatSays(
    ...[GENERATION, NO_CHAINS, acknowledged(0)],
    ...[GENERATION, acknowledged(0), GENERATION],
  );
  const looks = (): void => {
    for (let look = 0; look < 3; look++) assert.equal(table.look().kind, 'absent');
  };
  looks();
  table.askAgain();
  looks();
  table.set({ tagged: false, switchFrames: false });
  looks();
  assert.throws(() => {
    table.askAgain();
    table.look();
  }, /asked once more/);
});

test('who may not ask does not ask again', () => {
  const table = nftablesThatSays(acknowledged(EPERM));
  assert.equal(table.look().kind, 'unknown');
  assert.equal(table.look().kind, 'unknown');
});
