import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asRoot, familyServer, makeAccount, makeTemporary } from './mysql-family.js';
import { freePort, privateFolder, type systemUser, type TestServer } from './servers.js';
import { copyFolder, programVersion, template } from './template.js';

const PROGRAM = '/usr/sbin/mariadbd';
const INSTALL = '/usr/bin/mariadb-install-db';
/** Copied with the data folder. */
const LOG_SIZE = 'innodb-log-file-size=32M';

export const isMariadbInstalled = (): boolean => existsSync(PROGRAM) && existsSync(INSTALL);

/**
 * Starts a MariaDB of the test's own, with the account and database `quantum`. `settings` are further flags
 * of the server, without the leading dashes.
 */
export async function startMariadb(options: { settings?: readonly string[] } = {}): Promise<TestServer> {
  const server = await prepareMariadb(() => options.settings ?? []);
  await server.start();
  await makeAccount(server);
  return server;
}

/**
 * A server with an empty data folder, not started. `settings` are asked for at each start; `user` is whom it runs as
 * (null: as this process).
 */
export async function prepareMariadb(
  settings: () => readonly string[],
  user: ReturnType<typeof systemUser> = null,
): Promise<TestServer> {
  if (!isMariadbInstalled()) throw new Error('MariaDB is not installed: apt-get install mariadb-server');
  const folder = privateFolder('mariadb');
  const data = join(folder, 'data');
  copyFolder(dataTemplate(), data);
  const temporary = makeTemporary(folder);
  if (user) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
  const flags = [`datadir=${data}`, `tmpdir=${temporary}`, ...FAST].map((flag) => `--${flag}`);
  const command = [PROGRAM, '--no-defaults', ...flags];
  return familyServer({ command, folder, port: await freePort(), settings, user, publicKeyFile: null });
}

/** `mariadb-install-db` takes seconds. */
function dataTemplate(): string {
  return template(programVersion(PROGRAM), (folder, data) => {
    const folders = [`--datadir=${data}`, `--tmpdir=${makeTemporary(folder)}`];
    const flags = ['--auth-root-authentication-method=normal', '--skip-test-db', `--${LOG_SIZE}`];
    execFileSync(INSTALL, ['--no-defaults', ...folders, ...flags, ...asRoot()], { stdio: 'pipe' });
  });
}

/** Small and fast; what a crash would lose does not matter here. */
const FAST = [
  'bind-address=127.0.0.1',
  'skip-name-resolve',
  'innodb-flush-log-at-trx-commit=0',
  'innodb-buffer-pool-size=64M',
  LOG_SIZE,
  'character-set-server=utf8mb3',
  'collation-server=utf8mb3_general_ci',
];
