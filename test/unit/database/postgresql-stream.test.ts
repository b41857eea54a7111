import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connectTo } from '../../../src/database/connect.js';
import { messageCheck } from '../../../src/database/postgresql-stream.js';
import { DatabaseError } from '../../../src/model/index.js';
import { clientOf } from '../../support/databases/servers.js';
import { HANG_LIMIT_MS } from '../../support/limit.js';

/** A message of the protocol: its type, its length, its body. */
function message(type: string, body: Buffer | string): Buffer {
  const head = Buffer.from(`${type}0000`);
  head.writeUInt32BE(Buffer.byteLength(body) + 4, 1);
  return Buffer.concat([head, Buffer.from(body)]);
}

const authentication = (kind: number): Buffer => message('R', Buffer.from([0, 0, 0, kind]));

/** What becomes of a connection to a server that says just this. */
async function answered(t: TestContext, ...words: readonly Buffer[]): Promise<DatabaseError> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write(Buffer.concat(words)));
  });
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  t.after(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const limits = { connectTimeoutMs: HANG_LIMIT_MS, queryTimeoutMs: HANG_LIMIT_MS };
  const failure: unknown = await connectTo(clientOf('postgresql', port, {}), limits).catch((error) => error);
  assert.ok(failure instanceof DatabaseError, String(failure));
  return failure;
}

for (const [number, name] of [
  [7, 'GSSAPI'],
  [9, 'SSPI'],
  [99, 'number 99'],
] as const)
  test(`a server that asks for ${name}, which the driver does not know, ends no agent and is told as such`, async (t) => {
    const { kind, message: text } = await answered(t, authentication(number));
    assert.equal(kind, 'authentication');
    assert.match(text, new RegExp(`does not have \\(${name}\\); scram-sha-256`));
  });

for (const [what, words] of Object.entries({
  'an error whose text does not end': message('E', 'SFATAL'),
  'an error without a text': message('E', ''),
  'a notice whose last field is the last': message('N', 'SNOTICE\0'),
  'fewer than no columns': message('T', Buffer.from([0xff, 0xff])),
  'a row that is shorter than it says': message('D', Buffer.from([0, 9, 0])),
  'a message shorter than its length': Buffer.from('Z\0\0\0\x01'),
  'a message of four gigabytes': Buffer.from('D\xff\xff\xff\xff', 'latin1'),
}))
  test(`a server that sends ${what} neither ends nor freezes the agent`, async (t) => {
    const { kind, message: text } = await answered(t, authentication(0), words);
    assert.equal(kind, 'unreachable');
    assert.match(text, /not the protocol of PostgreSQL/);
  });

test('an error of a server is told as it is, in however small pieces it comes', async (t) => {
  const fatal = message('E', 'SFATAL\0C28000\0Mno such user\0\0');
  const { kind, message: text } = await answered(t, fatal);
  assert.equal(kind, 'authentication');
  assert.match(text, /no such user/);
  const look = messageCheck();
  for (const byte of [...fatal, ...message('N', '\0'), ...message('Z', 'I')]) look(Buffer.from([byte]));
  assert.throws(() => look(message('E', 'SFATAL\0C28000\0')), /does not end/);
});
