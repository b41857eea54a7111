import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressKey, decodeAddress } from '../../src/kernel/addresses/addresses.js';
import { decodeRoute } from '../../src/kernel/addresses/routes.js';
import { decodeLink } from '../../src/kernel/links.js';
import {
  attribute,
  decodeAcknowledgement,
  decodeAttributes,
  decodeMessages,
  encodeRequest,
  MalformedMessage,
  textAttribute,
  u32Attribute,
} from '../../src/kernel/netlink/message.js';
import { ipText } from '../../src/model/ip-text.js';

const linkBody = Buffer.concat([
  Buffer.from('00000100070000000110000000000000', 'hex'),
  textAttribute(3, 'tap0'),
  u32Attribute(4, 1500),
]);

test('a link message that is cut anywhere is refused or read without its end, never misread', () => {
  assert.equal(decodeLink(linkBody)?.name, 'tap0');
  // A cut behind a whole attribute cannot be seen in the body; there the message header's length tells.
  const endOfName = 16 + 4 + 'tap0\0'.length;
  for (let length = 0; length < linkBody.length; length++) {
    const cut = linkBody.subarray(0, length);
    if (length >= endOfName && length <= endOfName + 3) assert.equal(decodeLink(cut)?.mtu, 0);
    else assert.throws(() => decodeLink(cut), MalformedMessage, `cut after ${length} bytes`);
  }
});

test('a datagram whose message claims more bytes than are there is refused', () => {
  const whole = encodeRequest({ type: 16, flags: 0, body: linkBody }, 0, 1);
  assert.equal(decodeMessages(whole).length, 1);
  for (let length = 1; length < whole.length; length++) {
    assert.throws(() => decodeMessages(whole.subarray(0, length)), MalformedMessage);
  }
});

test('a message or attribute of length zero does not loop', () => {
  assert.throws(() => decodeMessages(Buffer.alloc(16)), MalformedMessage);
  assert.throws(() => decodeAttributes(Buffer.alloc(8)), MalformedMessage);
});

test('random bytes end in a MalformedMessage or a value, never in another error', () => {
  let seed = 42;
  const random = () => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed >> 16;
  };
  const decoders = [
    decodeLink,
    decodeAddress,
    decodeRoute,
    (body: Buffer) => decodeMessages(body),
    (body: Buffer) => decodeAcknowledgement({ type: 2, flags: 0x300, sequence: 1, body }),
  ];
  for (let round = 0; round < 20_000; round++) {
    const body = Buffer.from(linkBody);
    for (let hit = 0; hit < 4; hit++) body.writeUInt8(random() & 0xff, random() % body.length);
    body.writeUInt8([0, 2, 10][round % 3] ?? 0, 0);
    for (const decode of decoders) {
      try {
        decode(body.subarray(0, random() % (body.length + 1)));
      } catch (error) {
        assert.ok(error instanceof MalformedMessage, String(error));
      }
    }
  }
});

test('an attribute value that is too short for its number is refused', () => {
  const body = Buffer.concat([linkBody, attribute(10, Buffer.from([1, 2]))]);
  assert.throws(() => decodeLink(body), MalformedMessage);
});

test('a message of the bridge family is not taken for a link', () => {
  const body = Buffer.from(linkBody);
  body.writeUInt8(7, 0);
  assert.equal(decodeLink(body), null);
});

test('IPv6 addresses are written as ip writes them', () => {
  const text = (hex: string) => ipText(Buffer.from(hex, 'hex'));
  assert.equal(text('0a010005'), '10.1.0.5');
  assert.equal(text('fe80000000000000f8163efffe000001'), 'fe80::f816:3eff:fe00:1');
  assert.equal(text('00000000000000000000000000000001'), '::1');
  assert.equal(text('00000000000000000000000000000000'), '::');
  assert.equal(text('20010db8000000010000000000000000'), '2001:db8:0:1::');
  assert.equal(text('20010db8000000010001000100010001'), '2001:db8:0:1:1:1:1:1');
});

test('two addresses that differ in their peer only are two', () => {
  const body = (peer: string) =>
    Buffer.concat([
      Buffer.from('0218000003000000', 'hex'),
      attribute(1, Buffer.from(peer, 'hex')),
      attribute(2, Buffer.from('0a000001', 'hex')),
    ]);
  const keys = ['0a000002', '0a000003']
    .map((peer) => decodeAddress(body(peer))?.address)
    .map((address) => address && addressKey(address));
  assert.notEqual(keys[0], keys[1]);
});
