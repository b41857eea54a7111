import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { type ConfigFile, makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  networkId,
  portId,
  type TestDatabase,
  tapOf,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { type Cleanup, ip } from '../support/host/netns.js';

const LOCAL = networkId(1);
const WITHOUT_NET_ADMIN = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin', '--'];
const ABSENT = 'mysql://quantum:secret@localhost/quantum?unix_socket=/nonexistent/socket';

/** A command in a namespace of its own; gives the exit code and what it said on stderr. */
function commandsOn(t: Cleanup, config: ConfigFile, prefix: readonly string[] = []) {
  const { namespace } = makeHost(t);
  const cli = (...args: readonly string[]) =>
    runCli(namespace, ['--config-file', config.path, ...args], { prefix });
  return { namespace, cli };
}

describe('exit codes', () => {
  withDatabase(startMariadb, 'folsom', (database) => {
    const usual = (): ConfigFile => makeConfig({ url: socketUrl(database().server) });

    for (const [what, args] of [
      ['an unknown command', ['bogus']],
      ['an unknown flag', ['plan', '--bogus']],
      ['a flag of another command', ['plan', '--accept-removals']],
      ['a flag without its value', ['plan', '--polling-interval']],
      ['an argument too many', ['once', 'now']],
      ['a group of commands alone', ['config']],
    ] as const) {
      test(`64 for ${what}, with a hint at --help`, async (t) => {
        const { cli } = commandsOn(t, usual());
        const { code, stdout, stderr } = await cli(...args);
        assert.deepEqual({ code, stdout }, { code: 64, stdout: '' });
        assert.match(stderr, /--help/);
      });
    }

    // How many Node needs before the program is loaded, and for loading it, differs from one release to the next.
    for (const limit of [22, 24, 26, 28]) {
      test(`a sentence where it cannot work, and never a stack, with no more than ${limit} file descriptors`, async (t) => {
        const { cli } = commandsOn(t, usual(), ['prlimit', `--nofile=${limit}`]);
        const { code, stderr } = await cli('once');
        assert.ok([0, 1, 75, 78].includes(code ?? -1), `${code}: ${stderr}`);
        if (code !== 0) assert.match(stderr, /EMFILE|too many open files|ulimit -n|does not answer/i);
        assert.doesNotMatch(stderr, /^\s+at /m);
      });
    }

    for (const [what, args] of [
      ['an argument', ['explain', 'tap\u001b[2J']],
      ['an account', ['schema', 'grants', '--user', 'a\u202eb']],
    ] as const) {
      test(`64 for ${what} with a character that cannot be seen, which is shown`, async (t) => {
        const { code, stderr } = await commandsOn(t, usual()).cli(...args);
        assert.equal(code, 64);
        assert.match(stderr, /cannot be seen/);
        assert.doesNotMatch(stderr.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
      });
    }

    for (const [what, lines] of [
      ['a mapping', ['physical_interface_mappings = physnet1:eth\u001b1']],
      ['a physical network', ['physical_interface_mappings = phys\u0000net1:eth1']],
      ['the host', ['[AGENT]', 'host = a\u202eb']],
    ] as const) {
      test(`78 for ${what} with a character that cannot be seen`, async (t) => {
        const config = usual();
        appendFileSync(config.path, ['[LINUX_BRIDGE]', ...lines, ''].join('\n'));
        const { code, stderr } = await commandsOn(t, config).cli('plan');
        assert.equal(code, 78, stderr);
        assert.doesNotMatch(stderr.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
      });
    }

    test('an unknown command is named as such, not taken for an argument of run', async (t) => {
      const { cli } = commandsOn(t, usual());
      assert.match((await cli('stauts')).stderr, /unknown command 'stauts'/);
    });

    for (const command of ['run', 'once', 'plan']) {
      test(`${command}: 77 without CAP_NET_ADMIN, with the remedy`, async (t) => {
        const { cli } = commandsOn(t, usual(), WITHOUT_NET_ADMIN);
        const { code, stderr } = await cli(command);
        assert.equal(code, 77);
        assert.match(stderr, /NET_ADMIN_MISSING: .*CAP_NET_ADMIN.*\n.*root/);
      });

      test(`${command}: 78 for wrong settings, each named with its place`, async (t) => {
        const { cli } = commandsOn(t, usual());
        const { code, stderr } = await cli('--polling-interval', 'soon', '--max-removals', 'few', command);
        assert.equal(code, 78);
        assert.match(stderr, /command line --polling-interval: polling_interval is not/);
        assert.match(stderr, /command line --max-removals: max_removals/);
      });

      test(`${command}: 78 for a database of no known schema, naming what was looked for`, async (t) => {
        const { server } = database();
        await server.query('create database if not exists elsewhere');
        await server.query("grant all on elsewhere.* to 'quantum'@'localhost'");
        const { cli } = commandsOn(t, makeConfig({ url: socketUrl(server, 'elsewhere') }));
        const { code, stderr } = await cli(command);
        assert.equal(code, 78);
        assert.match(stderr, /network_bindings/);
      });

      test(`${command}: 78 comes before 77, and 77 before 75`, async (t) => {
        const config = makeConfig({ url: ABSENT });
        const { cli } = commandsOn(t, config, WITHOUT_NET_ADMIN);
        assert.equal((await cli('--polling-interval', 'soon', command)).code, 78);
        assert.equal((await cli(command)).code, 77);
      });
    }

    for (const command of ['once', 'plan']) {
      test(`${command}: 75 when no server can be reached, with one sentence and no password`, async (t) => {
        const { cli } = commandsOn(t, makeConfig({ url: ABSENT }));
        const { code, stdout, stderr } = await cli(command);
        assert.deepEqual({ code, stdout }, { code: 75, stdout: '' });
        assert.match(stderr, /DATABASE_UNREACHABLE: MySQL at \/nonexistent\/socket.*ENOENT/);
        assert.ok(!stderr.includes('secret'));
      });
    }

    test('run: 75 when sql_max_retries is used up, at the start too', async (t) => {
      const { cli } = commandsOn(t, makeConfig({ url: ABSENT, database: ['sql_max_retries = 0'] }));
      assert.equal((await cli('run')).code, 75);
    });

    test('run: 0 when a signal ends it, as early as the agent says that it has started', async (t) => {
      const { namespace } = makeHost(t);
      const agent = await startAgent(t, namespace, usual());
      agent.signal('SIGTERM');
      assert.equal(await agent.ended(), 0);
    });

    test('plan: 0 in sync, 2 with changes to make', async (t) => {
      const { namespace, cli } = commandsOn(t, usual());
      await wireable(database(), namespace);
      assert.equal((await cli('plan')).code, 2);
      assert.equal((await cli('once')).code, 0);
      assert.equal((await cli('plan')).code, 0);
    });

    test('plan: warnings and statuses that are still to be written do not change the code', async (t) => {
      const { namespace, cli } = commandsOn(t, usual());
      await wireable(database(), namespace);
      await database().rows.port({ id: portId(2), network: networkId(2) });
      makeTapsOf(namespace, portId(2));
      await cli('once');
      await database().server.query(`update ports set status = 'BUILD' where id = '${portId(1)}'`, 'quantum');
      const { code, stdout } = await cli('--json', 'plan');
      assert.equal(code, 0);
      const { inSync, statuses, warnings } = JSON.parse(stdout);
      assert.deepEqual(
        { inSync, statuses },
        { inSync: true, statuses: [{ port: portId(1), status: 'ACTIVE' }] },
      );
      assert.ok(warnings.some(({ port }: { port?: string }) => port === portId(2)));
    });

    test('once: 1 when an operation fails, which is named, while every other port is served', async (t) => {
      const { namespace, cli } = commandsOn(t, usual());
      const { rows } = database();
      await wireable(database(), namespace);
      await rows.network({ id: networkId(2), type: 'local' });
      await rows.port({ id: portId(2), network: networkId(2) });
      makeTapsOf(namespace, portId(2));
      makeUnbridgeable(namespace, portId(1));

      const { code, stdout } = await cli('--json', 'once');

      assert.equal(code, 1, stdout);
      const { failed, inSync } = JSON.parse(stdout);
      assert.equal(inSync, false);
      assert.deepEqual(
        failed.map(({ op, device, errno }: Record<string, string>) => `${op} ${device} ${errno}`),
        [`attach ${tapOf(portId(1))} EBUSY`, `set-up ${tapOf(portId(1))} SKIPPED`],
      );
      assert.equal(await rows.statusOf(portId(1)), 'DOWN');
      await waitForStatus(rows, portId(2), 'ACTIVE');
    });

    test('once: 1 when the host is wired but the statuses cannot be written', async (t) => {
      const { server, rows } = database();
      await server.query(
        `create or replace user 'reader'@'localhost' identified by 'secret'; grant select on quantum.* to 'reader'@'localhost'`,
      );
      const url = socketUrl(server).replace(/\/\/[^@]*@/, '//reader:secret@');
      const { namespace, cli } = commandsOn(t, makeConfig({ url }));
      await wireable(database(), namespace);
      const { code, stderr } = await cli('once');
      assert.equal(code, 1);
      assert.match(
        stderr,
        /the host is wired, but statuses were not written: .* user "reader" lacks a right/,
      );
      assert.ok(!stderr.includes('secret'));
      assert.equal(
        ip(namespace, '-br', 'link', 'show', 'master', bridgeOf(LOCAL)).includes(tapOf(portId(1))),
        true,
      );
      assert.equal(await rows.statusOf(portId(1)), 'DOWN');
    });
  });
});

async function wireable({ rows }: TestDatabase, namespace: string): Promise<void> {
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.port({ id: portId(1), network: LOCAL });
  makeTapsOf(namespace, portId(1));
}

/** The one receiver of a device's frames is taken: the kernel refuses to make it a port of a bridge (EBUSY). */
function makeUnbridgeable(namespace: string, port: string): void {
  ip(namespace, 'link', 'add', 'mv0', 'link', tapOf(port), 'type', 'macvlan', 'mode', 'passthru');
}
