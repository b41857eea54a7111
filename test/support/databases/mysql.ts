import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { asRoot, familyServer, makeAccount, makeTemporary } from './mysql-family.js';
import { freePort, privateFolder, type TestServer } from './servers.js';
import { copyFolder, programVersion, template } from './template.js';
import { unpackedFolder } from './unpacked.js';

const USR = join(unpackedFolder('mysql-server-core@sid'), 'usr');
const PROGRAM = join(USR, 'sbin', 'mysqld');

/** Where it is: it looks for its words and its plugins there. */
const PLACE = [
  '--no-defaults',
  `--basedir=${USR}`,
  `--lc-messages-dir=${join(USR, 'share', 'mysql')}`,
  `--plugin-dir=${join(USR, 'lib', 'mysql', 'plugin')}`,
  '--innodb-doublewrite=OFF',
];

/** Small and fast; what a crash would lose does not matter here. */
const FAST = [
  '--bind-address=127.0.0.1',
  '--mysqlx=OFF',
  '--secure-file-priv=',
  '--performance-schema=OFF',
  '--skip-name-resolve',
  '--skip-log-bin',
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-buffer-pool-size=64M',
  '--innodb-redo-log-capacity=128M',
];

/**
 * Starts a MySQL of the test's own, with the account and database `quantum`. `settings` are further flags of the
 * server, without the leading dashes.
 */
export async function startMysql(options: { settings?: readonly string[] } = {}): Promise<TestServer> {
  const server = await prepareMysql(() => options.settings ?? []);
  await server.start();
  await makeAccount(server);
  return server;
}

/** A server with an empty data folder, not started. `settings` are asked for at each start. */
export async function prepareMysql(settings: () => readonly string[]): Promise<TestServer> {
  if (!existsSync(PROGRAM)) throw new Error('MySQL is not unpacked: test/packages.sh install mysql');
  const folder = privateFolder('mysql');
  const data = join(folder, 'data');
  copyFolder(dataTemplate(), data);
  // The identity of one server.
  rmSync(join(data, 'auto.cnf'));
  const flags = [
    `--datadir=${data}`,
    `--tmpdir=${makeTemporary(folder)}`,
    `--pid-file=${join(folder, 'pid')}`,
  ];
  return familyServer({
    command: [PROGRAM, ...PLACE, ...flags, ...FAST],
    folder,
    port: await freePort(),
    settings,
    user: null,
    publicKeyFile: join(data, 'public_key.pem'),
  });
}

const SMALL = ['--initialize-insecure', '--innodb-redo-log-capacity=8M'];

const dataTemplate = (): string =>
  template(programVersion(PROGRAM), (folder, data) => {
    const folders = [`--datadir=${data}`, `--tmpdir=${makeTemporary(folder)}`];
    execFileSync(PROGRAM, [...PLACE, ...SMALL, ...folders, ...asRoot()], { stdio: 'pipe' });
  });
