import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asRoot, familyServer, makeAccount, makeTemporary } from './mysql-family.js';
import { freePort, privateFolder, type systemUser, type TestServer } from './servers.js';
import { copyFolder, programVersion, template } from './template.js';

/** Copied with the data folder. */
const LOG_SIZE = 'innodb-log-file-size=32M';

/** A MariaDB on this machine: its program, the flags that it always needs, and how its data folder is made. */
export interface Mariadb {
  readonly program: string;
  readonly flags: readonly string[];
  /** Fills `data` with the tables that the server itself needs; its administrator is root, without a password. */
  fill(data: string, flags: readonly string[]): void;
}

const INSTALLED: Mariadb = {
  program: '/usr/sbin/mariadbd',
  flags: [],
  fill: (data, flags) => {
    const own = ['--auth-root-authentication-method=normal', '--skip-test-db', `--datadir=${data}`];
    execFileSync('/usr/bin/mariadb-install-db', ['--no-defaults', ...own, ...flags, ...asRoot()], {
      stdio: 'pipe',
    });
  },
};

/**
 * Starts a MariaDB of the test's own, with the account and database `quantum`. `settings` are further flags
 * of the server, without the leading dashes.
 */
export async function startMariadb(
  options: { settings?: readonly string[]; mariadb?: Mariadb } = {},
): Promise<TestServer> {
  const server = await prepareMariadb(() => options.settings ?? [], null, options.mariadb);
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
  mariadb = INSTALLED,
): Promise<TestServer> {
  if (!existsSync(mariadb.program))
    throw new Error('MariaDB is not installed: apt-get install mariadb-server');
  const folder = privateFolder('mariadb');
  const data = join(folder, 'data');
  copyFolder(dataTemplate(mariadb), data);
  const temporary = makeTemporary(folder);
  if (user) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
  const flags = [`datadir=${data}`, `tmpdir=${temporary}`, ...FAST].map((flag) => `--${flag}`);
  const command = [mariadb.program, '--no-defaults', ...mariadb.flags, ...flags];
  return familyServer({ command, folder, port: await freePort(), settings, user, publicKeyFile: null });
}

/** To make one takes seconds. */
const dataTemplate = ({ program, fill }: Mariadb): string =>
  template(programVersion(program), (folder, data) =>
    fill(data, [`--tmpdir=${makeTemporary(folder)}`, `--${LOG_SIZE}`]),
  );

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
