import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { startRelay } from '../support/databases/relay.js';
import { PASSWORD, privateFolder } from '../support/databases/servers.js';
import { bootContainer, makeDebian } from '../support/host/container.js';
import {
  bridgeOf,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  tapOf,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { command, makeNamespace, makeVeth } from '../support/host/netns.js';
import { buildPackages } from '../support/host/package.js';

/** The blocks of commands of the manual's section, as they stand there. */
function commandsOfTheManual(): string[] {
  const manual = readFileSync(new URL('../../etc/README.md', import.meta.url), 'utf8');
  const section = manual.slice(manual.indexOf('### The same as commands'), manual.indexOf('## Configure it'));
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
}

withDatabase(startMariadb, 'folsom', (database) => {
  test('the commands of the manual lead a fresh Debian from nothing to a wired tap and a watched service', async (t) => {
    const { server, rows } = database();
    const [deb = ''] = buildPackages(privateFolder('packages'), { kinds: ['deb'] });
    const container = await bootContainer(t, makeDebian('bookworm', ['iproute2']));
    const { namespace } = container;
    await startRelay(t, server, { namespace, address: '127.0.0.1', port: 3306 });
    makeVeth(namespace, 'eth1', makeNamespace(t), 'far');
    await rows.network({ id: networkId(1), type: 'flat', physicalNetwork: 'physnet1' });
    await rows.port({ id: portId(1), network: networkId(1) });
    makeTapsOf(namespace, portId(1));
    cpSync(deb, join(container.root, 'root', basename(deb)));

    const [install = '', plan = '', start = '', ...more] = commandsOfTheManual();
    assert.deepEqual(more, []);
    // The one thing that the manual cannot know.
    assert.ok(install.includes("echo 'secret'"));
    const inRootsFolder = (block: string): string =>
      `cd /root\n${block.replace("'secret'", `'${PASSWORD}'`)}`;
    await container.run(inRootsFolder(install));
    const planned = await container.tried(inRootsFolder(plan));
    assert.equal(planned.code, 2, planned.stderr);
    assert.ok(planned.stdout.includes(tapOf(portId(1))), planned.stdout);
    const told = await container.run(inRootsFolder(start));
    assert.match(told, /^OK/m);
    assert.ok(told.includes(bridgeOf(networkId(1))), told);

    await waitForStatus(rows, portId(1), 'ACTIVE');
    assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(networkId(1)));
    assert.equal(masterOf(namespace, 'eth1'), bridgeOf(networkId(1)));
    // Watched as Prometheus does it.
    const scrape =
      "fetch('http://127.0.0.1:9754/metrics').then((answer) => answer.text()).then((text) => console.log(text))";
    const metrics = command('ip', 'netns', 'exec', namespace, process.execPath, '-e', scrape);
    assert.match(metrics, /^quantum_linuxbridge_taps\{state="wired"\} 1$/m);
  });
});
