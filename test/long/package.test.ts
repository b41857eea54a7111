import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { before, describe, test } from 'node:test';
import { privateFolder } from '../support/databases/servers.js';
import { command } from '../support/host/netns.js';
import { buildPackages } from '../support/host/package.js';

const sums = (paths: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    paths.map((path) => [basename(path), createHash('sha256').update(readFileSync(path)).digest('hex')]),
  );

describe('the packages for hosts', () => {
  let packages: readonly string[];
  before(() => {
    packages = buildPackages(privateFolder('packages'));
  });

  test('built again by an ordinary user, with another umask, time zone and folder, are the same byte for byte', () => {
    const folder = privateFolder('packages-again');
    chmodSync(folder, 0o777);
    const again = buildPackages(folder, {
      prefix: [
        'setpriv',
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
        'sh',
        '-c',
        'umask 077; exec "$@"',
        'sh',
      ],
      environment: {
        TZ: 'Asia/Tokyo',
        HOME: folder,
        TMPDIR: folder,
        SOURCE_DATE_EPOCH: command('git', 'log', '-1', '--format=%ct').trim(),
      },
    });
    assert.deepEqual(sums(again), sums(packages));
    assert.equal(packages.length, 2);
  });

  test('lintian finds no error in the Debian package, and each override has its reason', () => {
    command('lintian', '--fail-on', 'error', packages[0] ?? '');
    const overrides = readFileSync(
      new URL('../../etc/package/deb/lintian-overrides', import.meta.url),
      'utf8',
    );
    assert.match(overrides, /^(?:(?:# .*\n)+(?:[^#\n].*\n)+)+$/);
  });
});
