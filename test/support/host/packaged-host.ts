import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { startRelay } from '../databases/relay.js';
import { PASSWORD } from '../databases/servers.js';
import { bootContainer, type Container } from './container.js';
import { makeTapsOf, networkId, portId, type TestDatabase } from './host.js';
import type { Cleanup } from './netns.js';

export const UNIT = 'quantum-linuxbridge-agent.service';
const ONCE = 'quantum-linuxbridge-agent-once.service';
/** In a container whose database is at the other end of a relay. */
const CONFIGURATION = `[DATABASE]
sql_connection = mysql://quantum@db.example.org/quantum
[AGENT]
polling_interval = 0.5
`;
export const CREDENTIAL = 'LoadCredential=sql_password:/etc/quantum/sql_password\n';

/** How a package is installed, or brought to a later version. */
export type Install = (container: Container, file: string) => Promise<void>;

const carryIn = (container: Container, file: string): string => {
  cpSync(file, join(container.root, 'root', basename(file)));
  return `/root/${basename(file)}`;
};

export const installDeb: Install = async (container, file) => {
  const inside = carryIn(container, file);
  await container.run(`DEBIAN_FRONTEND=noninteractive apt-get install --yes ${inside}`);
};

/** Debian's rpm knows of no package that Debian has installed: what ours depends on is there all the same, see `makeDebian`. */
export const installRpm: Install = async (container, file) => {
  const inside = carryIn(container, file);
  await container.run(`rpm --upgrade --nodeps ${inside}`);
};

export const isActive = async (container: Container, unit: string): Promise<boolean> =>
  (await container.tried(`systemctl is-active --quiet ${unit}`)).code === 0;

export const property = async (container: Container, name: string): Promise<string> =>
  (await container.run(`systemctl show --value --property=${name} ${UNIT}`)).trim();

/** What the daemon has logged, as the journal has it. */
export const log = (container: Container): Promise<string> =>
  container.run(`journalctl --no-pager --output=cat --unit=${UNIT}`);

/** Starts the daemon, now and at each boot; the log says why it does not. */
export async function enable(container: Container): Promise<void> {
  const { code, stderr } = await container.tried(`systemctl enable --now ${UNIT}`);
  assert.equal(code, 0, `${stderr}${await log(container)}`);
}

/** Settings of the unit that the site adds. */
export async function dropIn(container: Container, text: string): Promise<void> {
  for (const unit of [UNIT, ONCE]) {
    await container.run(`mkdir -p /etc/systemd/system/${unit}.d`);
    writeFileSync(join(container.root, `etc/systemd/system/${unit}.d/site.conf`), `[Service]\n${text}`);
  }
  await container.run('systemctl daemon-reload');
}

/** A container in which a package is installed and its configuration filled in, with a port whose tap is there. */
export async function furnish(
  t: Cleanup,
  debian: string,
  { server, rows }: TestDatabase,
  packaged: { readonly install: Install; readonly file: string },
): Promise<Container> {
  const container = await bootContainer(t, debian);
  const { namespace } = container;
  await startRelay(t, server, { namespace, address: '127.0.0.1', port: 3306 });
  await packaged.install(container, packaged.file);
  writeFileSync(join(container.root, 'etc/quantum/quantum-linuxbridge-agent.ini'), CONFIGURATION);
  writeFileSync(join(container.root, 'etc/quantum/sql_password'), PASSWORD, { mode: 0o600 });
  await dropIn(container, CREDENTIAL);
  await rows.network({ id: networkId(1), type: 'local' });
  await rows.port({ id: portId(1), network: networkId(1) });
  makeTapsOf(namespace, portId(1));
  return container;
}
