import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { PASSWORD } from '../support/databases/servers.js';
import { makeConfig, runCli, type Sections, socketUrl } from '../support/host/agent.js';
import { makeHost, withDatabase } from '../support/host/host.js';
import { type Cleanup, ip } from '../support/host/netns.js';

interface Shown {
  readonly settings: readonly { name: string; value: string; from: string }[];
}

interface Checked {
  readonly findings: readonly { code: string; message: string; remedy: string }[];
}

describe('config show and config check', () => {
  withDatabase(startPostgres, 'folsom', (database) => {
    const prepare = (t: Cleanup, sections: Partial<Sections> = {}) => {
      const { namespace } = makeHost(t);
      const config = makeConfig({
        url: socketUrl(database().server),
        mappings: 'physnet1:eth1',
        ...sections,
      });
      const cli = (...args: readonly string[]) => runCli(namespace, ['--config-file', config.path, ...args]);
      const findings = async (): Promise<{ code: number | null; codes: string[] }> => {
        const { code, stdout } = await cli('--json', 'config', 'check');
        const { findings: found } = JSON.parse(stdout) as Checked;
        for (const { message, remedy } of found) assert.ok(message.length > 10 && remedy.length > 10);
        return { code, codes: found.map(({ code: one }) => one) };
      };
      return { namespace, config, cli, findings };
    };

    test('config show tells each value and where it came from, with the password masked', async (t) => {
      const { namespace, config } = prepare(t);
      const { code, stdout } = await runCli(
        namespace,
        ['--config-file', config.path, '--plug-grace', '7s', '--json', 'config', 'show'],
        { environment: { QUANTUM_MAX_REMOVALS: '5' } },
      );
      assert.equal(code, 0);
      const { settings } = JSON.parse(stdout) as Shown;
      const shown = new Map(settings.map(({ name, value, from }) => [name, `${value} | ${from}`]));
      assert.equal(shown.get('plug_grace'), '7s | command line --plug-grace');
      assert.equal(shown.get('max_removals'), '5 | environment QUANTUM_MAX_REMOVALS');
      assert.match(shown.get('reconnect_interval') ?? '', /agent\.ini:3$/);
      assert.match(shown.get('sql_max_retries') ?? '', /^-1 \| default$/);
      assert.match(shown.get('sql_connection') ?? '', /^postgresql:\/\/quantum:\*+@/);
      assert.ok(!stdout.includes(PASSWORD) && !stdout.includes(encodeURIComponent(PASSWORD)));
    });

    for (const [name, value] of [
      ['PGOPTIONS', '-c search_path=elsewhere'],
      ['PGREPLICATION', 'database'],
      ['PGSSLNEGOTIATION', 'direct'],
      ['NODE_PG_FORCE_NATIVE', '1'],
    ] as const) {
      test(`${name} in the environment of whoever calls it leads to no other database`, async (t) => {
        const { namespace, config } = prepare(t);
        const args = ['--config-file', config.path, 'schema', 'check'];
        const { code, stderr } = await runCli(namespace, args, { environment: { [name]: value } });
        assert.equal(code, 0, stderr);
      });
    }

    test('config check is 0 where everything fits', async (t) => {
      const { cli, findings } = prepare(t);
      assert.deepEqual(await findings(), { code: 0, codes: [] });
      assert.match((await cli('config', 'check')).stdout, /fit this host/);
    });

    test('config check names every missing, enslaved or unusable interface at once', async (t) => {
      const { namespace, findings } = prepare(t, { mappings: 'physnet1:eth1,physnet2:eth9,physnet3:br0' });
      ip(namespace, 'link', 'add', 'br0', 'type', 'bridge');
      ip(namespace, 'link', 'set', 'eth1', 'master', 'br0');
      assert.deepEqual(await findings(), {
        code: 1,
        codes: ['PHYSICAL_INTERFACE_ENSLAVED', 'PHYSICAL_INTERFACE_MISSING', 'PHYSICAL_INTERFACE_UNUSABLE'],
      });
    });

    test('config check is 75 when the database does not answer, and still looks at the interfaces', async (t) => {
      const url = 'postgresql://quantum:secret@/quantum?host=/nonexistent';
      const { findings } = prepare(t, { url, mappings: 'physnet1:eth9' });
      assert.deepEqual(await findings(), {
        code: 75,
        codes: ['PHYSICAL_INTERFACE_MISSING', 'DATABASE_UNREACHABLE'],
      });
    });

    test('config check is 78 when the schema is none that is known', async (t) => {
      const { findings } = prepare(t, { url: socketUrl(database().server, 'postgres') });
      assert.deepEqual(await findings(), { code: 78, codes: ['DATABASE_SCHEMA'] });
    });

    test('config check says that CAP_NET_ADMIN is missing', async (t) => {
      const { namespace, config } = prepare(t);
      const { code, stdout } = await runCli(namespace, ['--config-file', config.path, 'config', 'check'], {
        prefix: ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin', '--'],
      });
      assert.equal(code, 1);
      assert.match(stdout, /NET_ADMIN_MISSING/);
    });
  });
});
