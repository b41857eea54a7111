import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { before, describe, test } from 'node:test';
import { makeRpm } from '../../etc/package/rpm.js';
import { secondNode } from '../runner/second-node.js';
import { startMariadb } from '../support/databases/mariadb.js';
import { privateFolder } from '../support/databases/servers.js';
import { bootContainer, makeDebian } from '../support/host/container.js';
import {
  bridgeOf,
  masterOf,
  networkId,
  portId,
  tapOf,
  waitForMaster,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { buildPackages, PROJECT } from '../support/host/package.js';
import { enable, furnish, installRpm, isActive, log, property, UNIT } from '../support/host/packaged-host.js';
import { startQuietWitness } from '../support/host/witness.js';

const NAME = 'quantum-linuxbridge-agent';
const TIMER = `${NAME}-once.timer`;
const TAP = tapOf(portId(1));
const BRIDGE = bridgeOf(networkId(1));
const SOME_DAY_S = 1_767_225_600;

/** The same package as a later version. */
async function laterVersion(): Promise<string> {
  const node = await secondNode(PROJECT);
  if (!node.ok) throw new Error(node.reason);
  const sources = {
    project: PROJECT,
    node: dirname(dirname(node.program)),
    version: '99',
    maintainer: 'Nobody <nobody@example.org>',
    epoch: SOME_DAY_S,
  };
  return makeRpm(sources, privateFolder('later'), privateFolder('later-rpm'));
}

// No mirror of a distribution that has rpm as its own can be reached: Debian's rpm, with a database of its own.
describe("the RPM, installed by Debian's rpm on a Debian with its own systemd", () => {
  let rpm: string;
  let debian: string;
  before(() => {
    rpm = buildPackages(privateFolder('packages'), { kinds: ['rpm'] })[0] ?? '';
    debian = makeDebian('bookworm', ['rpm']);
  });

  withDatabase(startMariadb, 'folsom', (database) => {
    test('installing it starts nothing, neither then nor at the next boot, and leaves its files as they are in it', async (t) => {
      const container = await bootContainer(t, debian);
      await installRpm(container, rpm);
      await container.reboot();
      for (const unit of [UNIT, TIMER]) assert.equal(await isActive(container, unit), false);
      assert.doesNotMatch(await log(container), /\S/);
      assert.equal(await container.run(`rpm --verify --nodeps ${NAME}`), '');
    });

    test('its daemon wires; an upgrade starts it again without a link event; removal leaves the data plane', async (t) => {
      const container = await furnish(t, debian, database(), { install: installRpm, file: rpm });
      const { namespace } = container;
      await enable(container);
      await waitForMaster(namespace, TAP, BRIDGE);
      await waitForStatus(database().rows, portId(1), 'ACTIVE');
      assert.match(await container.run(`${NAME} check`), /^OK/);

      const witness = await startQuietWitness(t, namespace);
      const pid = await property(container, 'MainPID');
      await installRpm(container, await laterVersion());
      assert.equal(await container.run(`rpm --query --queryformat '%{VERSION}' ${NAME}`), '99');
      assert.ok(await isActive(container, UNIT));
      assert.notEqual(await property(container, 'MainPID'), pid);
      assert.equal(await property(container, 'Result'), 'success');
      assert.match(await container.run(`${NAME} check`), /^OK/);

      await container.run(`rpm --erase ${NAME}`);
      assert.equal(await isActive(container, UNIT), false);
      assert.notEqual((await container.tried(`systemctl is-enabled ${UNIT}`)).code, 0);
      await witness.expectNothingOn(TAP, BRIDGE);
      assert.equal(masterOf(namespace, TAP), BRIDGE);
      // What the site has written outlives the package.
      await container.run(`test -e /etc/quantum/${NAME}.ini.rpmsave && test ! -e /usr/bin/${NAME}`);
    });
  });
});
