import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { privateFolder, waitUntil } from '../support/databases/servers.js';
import { bootContainer, makeDebian } from '../support/host/container.js';
import {
  bridgeOf,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  tapOf,
  waitForMaster,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { command } from '../support/host/netns.js';
import { buildPackages } from '../support/host/package.js';
import {
  CREDENTIAL,
  dropIn,
  enable,
  furnish,
  installDeb,
  isActive,
  log,
  property,
  UNIT,
} from '../support/host/packaged-host.js';
import { startQuietWitness } from '../support/host/witness.js';

const TAP = tapOf(portId(1));
const BRIDGE = bridgeOf(networkId(1));

let deb: string;
before(() => {
  deb = buildPackages(privateFolder('packages'), { kinds: ['deb'] })[0] ?? '';
});

/** The same package as a later version. */
function laterVersion(): string {
  const folder = privateFolder('later');
  const tree = join(folder, 'tree');
  command('dpkg-deb', '--raw-extract', deb, tree);
  command('sed', '-i', 's/^Version: .*/Version: 99/', join(tree, 'DEBIAN/control'));
  const later = join(folder, 'later.deb');
  command('dpkg-deb', '--root-owner-group', '-Zgzip', '-z1', '--build', tree, later);
  return later;
}

const SYSTEMS = [
  { what: 'Debian 12 without libnss-systemd and procps', release: 'bookworm', more: [] },
  {
    what: 'Debian 12 with libnss-systemd, procps and D-Bus',
    release: 'bookworm',
    more: ['libnss-systemd', 'procps', 'dbus'],
  },
  { what: 'Debian 13', release: 'trixie', more: [] },
] as const;

for (const { what, release, more } of SYSTEMS) {
  describe(`the package on ${what}`, () => {
    let debian: string;
    before(() => {
      debian = makeDebian(release, more);
    });

    withDatabase(startMariadb, 'folsom', (database) => {
      test('installing it starts nothing, neither then nor at the next boot', async (t) => {
        const container = await bootContainer(t, debian);
        await installDeb(container, deb);
        await container.reboot();
        for (const unit of [UNIT, 'quantum-linuxbridge-agent-once.timer'])
          assert.equal(await isActive(container, unit), false);
        assert.doesNotMatch(await log(container), /\S/);
      });

      test('in its sandbox the daemon wires, switches IPv6 off, takes the password from a credential, and is reloaded', async (t) => {
        const container = await furnish(t, debian, database(), { install: installDeb, file: deb });
        await enable(container);
        await waitForMaster(container.namespace, TAP, BRIDGE);
        await waitForStatus(database().rows, portId(1), 'ACTIVE');
        for (const device of [TAP, BRIDGE])
          assert.equal(await container.run(`cat /proc/sys/net/ipv6/conf/${device}/disable_ipv6`), '1\n');
        assert.match(await container.run('quantum-linuxbridge-agent check'), /^OK/);

        const pid = await property(container, 'MainPID');
        await container.run(`systemctl reload ${UNIT}`);
        await waitUntil(
          async () => /"settings read again"/.test(await log(container)),
          'the settings are read again',
        );
        assert.equal(await property(container, 'MainPID'), pid);
      });

      test('a daemon that is stopped (SIGSTOP) is started again by the watchdog, and no wire is touched', async (t) => {
        const container = await furnish(t, debian, database(), { install: installDeb, file: deb });
        await dropIn(container, `${CREDENTIAL}WatchdogSec=3s\nTimeoutAbortSec=1s\n`);
        await enable(container);
        await waitForStatus(database().rows, portId(1), 'ACTIVE');
        const witness = await startQuietWitness(t, container.namespace);
        const pid = await property(container, 'MainPID');
        await container.run(`kill -STOP ${pid}`);
        await waitUntil(
          async () => (await property(container, 'NRestarts')) === '1' && (await isActive(container, UNIT)),
          'started again',
        );
        assert.notEqual(await property(container, 'MainPID'), pid);
        await witness.expectNothingOn(TAP, BRIDGE);
      });

      test('a journal that drops lines, or stands still, holds up neither the daemon nor a wire', async (t) => {
        const container = await furnish(t, debian, database(), { install: installDeb, file: deb });
        const { namespace } = container;
        await dropIn(container, `${CREDENTIAL}LogRateLimitIntervalSec=1s\nLogRateLimitBurst=1\n`);
        await enable(container);
        await waitForStatus(database().rows, portId(1), 'ACTIVE');
        const pid = await property(container, 'MainPID');
        /** Each is told by a line. */
        const reload = (times: number): Promise<string> =>
          container.run(`for each in $(seq ${times}); do kill -HUP ${pid}; sleep 0.02; done`);
        const journal = (): Promise<string> =>
          container.run('journalctl --no-pager --output=cat --unit=systemd-journald');
        await waitUntil(async () => {
          await reload(30);
          return new RegExp(`Suppressed \\d+ messages from ${UNIT}`).test(await journal());
        }, 'lines of the daemon are dropped');

        await container.run('systemctl kill --signal=STOP systemd-journald');
        await reload(30);
        for (const n of [2, 3]) await database().rows.port({ id: portId(n), network: networkId(1) });
        makeTapsOf(namespace, portId(2), portId(3));
        for (const n of [2, 3]) await waitForStatus(database().rows, portId(n), 'ACTIVE');
        assert.match(await container.run('quantum-linuxbridge-agent check'), /^OK/);
        const before = (await log(container)).length;
        await container.run('systemctl kill --signal=CONT systemd-journald');
        await waitUntil(async () => (await log(container)).length > before, 'its lines are kept again');
        assert.equal(await property(container, 'MainPID'), pid);
      });

      test('an upgrade starts the daemon again without a link event; removal leaves the data plane', async (t) => {
        const container = await furnish(t, debian, database(), { install: installDeb, file: deb });
        await enable(container);
        await waitForStatus(database().rows, portId(1), 'ACTIVE');
        const witness = await startQuietWitness(t, container.namespace);
        const pid = await property(container, 'MainPID');
        await installDeb(container, laterVersion());
        assert.ok(await isActive(container, UNIT));
        assert.notEqual(await property(container, 'MainPID'), pid);
        assert.equal(await property(container, 'Result'), 'success');

        await container.run('apt-get remove --yes quantum-linuxbridge-agent');
        assert.equal(await isActive(container, UNIT), false);
        assert.notEqual((await container.tried(`systemctl is-enabled ${UNIT}`)).code, 0);
        assert.equal(masterOf(container.namespace, TAP), BRIDGE);
        await witness.expectNothingOn(TAP, BRIDGE);
        await container.run('test -e /etc/quantum/quantum-linuxbridge-agent.ini');
        await container.run('apt-get purge --yes quantum-linuxbridge-agent');
        await container.run('test ! -e /var/lib/private/quantum-linuxbridge-agent');
        assert.equal(masterOf(container.namespace, TAP), BRIDGE);
      });

      test('the timer wires as the daemon does', async (t) => {
        const container = await furnish(t, debian, database(), { install: installDeb, file: deb });
        await container.run('systemctl start quantum-linuxbridge-agent-once.timer');
        await waitForStatus(database().rows, portId(1), 'ACTIVE');
        assert.equal(masterOf(container.namespace, TAP), BRIDGE);
        const result = 'systemctl show --value --property=Result quantum-linuxbridge-agent-once.service';
        assert.equal(await container.run(result), 'success\n');
      });

      test('a boot waits for no database: the daemon is ready, and says that it has to wait', async (t) => {
        const container = await furnish(t, debian, database(), { install: installDeb, file: deb });
        await enable(container);
        await waitForStatus(database().rows, portId(1), 'ACTIVE');
        await container.reboot();
        assert.ok(await isActive(container, UNIT));
        assert.match(await property(container, 'StatusText'), /database down/);
      });
    });
  });
}
