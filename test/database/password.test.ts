import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { DatabaseServer } from '../../src/model/settings.js';
import { databaseSettings } from '../support/databases/engines.js';
import { NOTHING } from '../support/databases/probe.js';
import { clientOf, PASSWORD, privateFolder, removeFolder } from '../support/databases/servers.js';

const SCRAMBLE = Buffer.from('abcdefghijklmnopqrst');
const PLUGINS = ['caching_sha2_password', 'sha256_password', 'mysql_clear_password'] as const;
const FULL_AUTHENTICATION = Buffer.from([1, 4]);
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

const packet = (sequence: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([payload.length & 0xff, payload.length >> 8, 0, sequence]), payload]);

/** The first packet of MySQL's protocol (version 10), with capabilities of a server without TLS. */
const greeting = (plugin: string): Buffer =>
  Buffer.concat([
    Buffer.from('\x0a8.0.99\0', 'latin1'),
    Buffer.from([1, 0, 0, 0]),
    SCRAMBLE.subarray(0, 8),
    Buffer.from([0, 0xff, 0xf7, 33, 2, 0, 0xff, 0x81, 21]),
    Buffer.alloc(10),
    SCRAMBLE.subarray(8),
    Buffer.from(`\0${plugin}\0`),
  ]);

/** Somebody who answers at the server's address and wants the password: asks for it in every way that the plugin has. */
function answerAs(plugin: string, socket: Socket, heard: (payload: Buffer) => void): void {
  let turn = 0;
  socket.on('error', () => {});
  socket.write(packet(0, greeting('mysql_native_password')));
  socket.on('data', (data) => {
    turn += 1;
    const sequence = (data[3] ?? 0) + 1;
    heard(data.subarray(4));
    if (turn === 1) {
      const request = Buffer.concat([Buffer.from(`\xfe${plugin}\0`, 'latin1'), SCRAMBLE, Buffer.from([0])]);
      socket.write(packet(sequence, request));
    } else if (turn === 2 && plugin === 'caching_sha2_password') {
      socket.write(packet(sequence, FULL_AUTHENTICATION));
    } else {
      socket.write(packet(sequence, Buffer.concat([Buffer.from([1]), Buffer.from(publicKey)])));
    }
  });
}

/** Connects as the agent does; gives what went wrong and the passwords that could be read from what was sent. */
async function attempt(t: TestContext, plugin: string, changes: Partial<DatabaseServer> = {}) {
  const sent: Buffer[] = [];
  const server = createServer((socket) => answerAs(plugin, socket, (payload) => sent.push(payload)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const database = openDatabase(databaseSettings({ client: () => clientOf('mysql', port, changes) }));
  const error = await database.read(NOTHING).then(
    () => null,
    (failure: Error) => failure,
  );
  await database.close();
  return { error, passwords: sent.flatMap(passwordIn) };
}

/** The password in clear, or under the key that this server handed out. */
function passwordIn(payload: Buffer): string[] {
  if (payload.includes(PASSWORD)) return ['in clear'];
  try {
    const { RSA_PKCS1_OAEP_PADDING: padding } = constants;
    const plain = privateDecrypt({ key: privateKey, padding, oaepHash: 'sha1' }, payload);
    const text = plain.map((byte, at) => byte ^ (SCRAMBLE[at % SCRAMBLE.length] ?? 0)).toString();
    return [text.replaceAll('\0', '')];
  } catch {
    // Not encrypted under this key: nothing that can be read.
    return [];
  }
}

for (const plugin of PLUGINS) {
  test(`whoever answers at the server's address and asks by ${plugin} learns no password`, async (t) => {
    const { error, passwords } = await attempt(t, plugin);
    assert.deepEqual(passwords, []);
    assert.ok(error !== null);
  });
}

test('a server that asks for the password itself is told apart from a wrong password, with what to set', async (t) => {
  const { error } = await attempt(t, 'caching_sha2_password');
  assert.match(String(error?.message), /ssl_ca.*unix_socket.*server_public_key_path/);
});

test('under a key that the configuration names the password is sent', async (t) => {
  const folder = privateFolder('key');
  t.after(() => removeFolder(folder));
  const publicKeyFile = join(folder, 'server.pem');
  writeFileSync(publicKeyFile, publicKey);
  const { passwords } = await attempt(t, 'caching_sha2_password', { publicKeyFile });
  assert.deepEqual(passwords, [PASSWORD]);
});
