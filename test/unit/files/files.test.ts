import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFiles } from '../../../src/config/files.js';
import { readPasswordFile } from '../../../src/config/password.js';
import { isReadableByAll, readRegularFile } from '../../../src/files/read-file.js';
import { replaceFile } from '../../../src/files/replace-file.js';
import { messageOf } from '../../../src/model/index.js';
import { writeTextfile } from '../../../src/monitoring/textfile.js';
import { privateFolder } from '../../support/databases/servers.js';
import { command } from '../../support/host/netns.js';

const MAX_BYTES = 1000;

function place() {
  const folder = privateFolder('files');
  const path = (name: string): string => join(folder, name);
  const fifo = path('fifo');
  command('mkfifo', fifo);
  writeFileSync(path('file'), 'text');
  symlinkSync(path('file'), path('link'));
  return { folder, path, fifo };
}

test('a FIFO without a writer is no file to read: it is refused at once, by whatever name it comes', () => {
  const { fifo } = place();
  assert.throws(() => readRegularFile(fifo, MAX_BYTES), /no regular file/);
  assert.throws(() => readPasswordFile(fifo), /cannot be read \(it is no regular file\)/);
  const [problem] = readFiles([fifo], []).problems;
  assert.match(problem?.wrong ?? '', /cannot be read \(it is no regular file\)/);
});

test('a device and a folder are no files to read', () => {
  for (const path of ['/dev/zero', '/tmp'])
    assert.throws(() => readRegularFile(path, MAX_BYTES), /no regular file/);
});

test('that every user of the host may read a file is seen', () => {
  const { path } = place();
  chmodSync(path('file'), 0o644);
  assert.equal(isReadableByAll(path('link')), true);
  chmodSync(path('file'), 0o640);
  assert.equal(isReadableByAll(path('link')), false);
  assert.equal(isReadableByAll(path('nowhere')), false);
});

test('a link is followed where an administrator may have made it, and refused elsewhere', () => {
  const { path } = place();
  assert.equal(readRegularFile(path('link'), MAX_BYTES).toString(), 'text');
  assert.throws(() => readRegularFile(path('link'), MAX_BYTES, 'refused'), { code: 'ELOOP' });
});

test('a file is read up to its bound, and one that is longer not at all', () => {
  const { path } = place();
  for (const length of [0, MAX_BYTES]) {
    writeFileSync(path('file'), 'x'.repeat(length));
    assert.equal(readRegularFile(path('file'), MAX_BYTES).length, length);
  }
  writeFileSync(path('file'), 'x'.repeat(MAX_BYTES + 1));
  assert.throws(() => readRegularFile(path('file'), MAX_BYTES), /longer than 1000 bytes/);
});

test('a link that somebody has put in the place of the draft leads nowhere', () => {
  const { path } = place();
  symlinkSync(path('file'), path('new.prom.new'));
  replaceFile(path('new.prom'), 'metrics', 0o644);
  assert.equal(readFileSync(path('file'), 'utf8'), 'text');
  assert.ok(lstatSync(path('new.prom')).isFile());
  assert.ok(!existsSync(path('new.prom.new')));
});

test('the textfile takes the place of no link and of no FIFO, and waits for nobody', async () => {
  const { path } = place();
  const run = { startedAtMs: 0, durationMs: 0, exitCode: 0, standing: null };
  for (const name of ['link', 'fifo']) await assert.rejects(writeTextfile(path(name), run));
  assert.equal(readFileSync(path('file'), 'utf8'), 'text');
});

test('a link that another user may have put among the folders of the textfile is not followed', async () => {
  const { folder, path } = place();
  const run = { startedAtMs: 0, durationMs: 0, exitCode: 0, standing: null };
  const [theirs, ours] = [path('theirs'), path('ours')];
  mkdirSync(join(theirs, 'real'), { recursive: true });
  mkdirSync(ours);
  symlinkSync(ours, join(theirs, 'planted'));
  symlinkSync('../theirs/planted', join(ours, 'first'));
  chmodSync(theirs, 0o777);
  for (const way of [join(theirs, 'planted'), join(ours, 'first')])
    await assert.rejects(writeTextfile(join(way, 'new.prom'), run), /another user may have put/);
  assert.deepEqual(readdirSync(ours), ['first']);
  await writeTextfile(join(theirs, 'real/new.prom'), run);
  symlinkSync(ours, join(folder, 'administrators'));
  await writeTextfile(join(folder, 'administrators/new.prom'), run);
  assert.ok(existsSync(join(theirs, 'real/new.prom')) && existsSync(join(ours, 'new.prom')));
});

test('what is wrong with a folder is told by its own name', () => {
  const { path } = place();
  assert.throws(
    () => replaceFile(path('none/file'), '', 0o644),
    (error) => messageOf(error).includes(path('none')),
  );
});
