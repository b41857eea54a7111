import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HANG_LIMIT_MS } from '../support/limit.js';
import {
  command,
  type DemoAgent,
  type DemoDatabase,
  type LogLine,
  program,
  quiet,
  type SeenLink,
  say,
  seenLinks,
  startAgent,
  startDatabase,
  tap,
} from './stage.js';
import { playTunnel } from './tunnel.js';

const PRIVATE = 'aaaaaaaa-1111-4000-8000-000000000001';
const PUBLIC = 'bbbbbbbb-2222-4000-8000-000000000002';
const WEB = '11111111-aaaa-4000-8000-000000000011';
const DATABASE = '22222222-aaaa-4000-8000-000000000022';
const ROUTER = '33333333-bbbb-4000-8000-000000000033';
const LATE = '44444444-aaaa-4000-8000-000000000044';

const bridge = (network: string): string => `brq${network.slice(0, 11)}`;

/** A tap as the hypervisor makes it; a veth pair stands for it, which an ordinary user may make too. */
function plugIn(port: string): void {
  command('ip', 'link', 'add', tap(port), 'type', 'veth', 'peer', 'name', `vm-${port.slice(0, 8)}`);
  command('ip', 'link', 'set', `vm-${port.slice(0, 8)}`, 'up');
}

const insertPort = (id: string, network: string, name: string): string =>
  `INSERT INTO ports (id, tenant_id, name, network_id, mac_address, admin_state_up, status, device_id, device_owner)
   VALUES ('${id}', 'demo', '${name}', '${network}', 'fa:16:3e:00:00:${id.slice(0, 2)}', true, 'DOWN', '', '')`;

const insertNetwork = (id: string, name: string): string =>
  `INSERT INTO networks (id, tenant_id, name, status, admin_state_up, shared) VALUES ('${id}', 'demo', '${name}', 'ACTIVE', true, false)`;

/** Waits until the kernel, as `ip` sees it, is as it should be; then shows what the agent did and what `ip` sees. */
async function expect(
  agent: DemoAgent,
  what: string,
  holds: (links: Map<string, SeenLink>) => boolean,
): Promise<void> {
  const deadline = performance.now() + HANG_LIMIT_MS;
  while (!holds(seenLinks())) {
    if (performance.now() > deadline) throw new Error(`not within ${HANG_LIMIT_MS / 1000} s: ${what}`);
    await delay(20);
  }
  await quiet(agent);
  for (const line of agent.lines.splice(0)) {
    if (line.msg === 'operation done') say(`   agent  ${line.op} ${line.device}: ${line.reason}`);
    else if (typeof line.level === 'number' && line.level >= 30 && line.msg !== 'host changed') {
      const detail = String(line.error ?? line.detail ?? '');
      say(`   agent  ${line.msg}${detail === '' ? '' : `: ${detail}`}`);
    }
  }
  say(picture(seenLinks()));
  say(`   ok     ${what}`);
}

/** The bridges with what is in them, and the uplink, in a few lines. */
function picture(links: Map<string, SeenLink>): string {
  const all = [...links.values()];
  const addresses = (link: SeenLink): string =>
    (link.addr_info ?? [])
      .filter(({ family }) => family === 'inet')
      .map(({ local, prefixlen }) => ` ${local}/${prefixlen}`)
      .join('');
  const rows = all
    .filter(
      ({ ifname, master }) =>
        ifname.startsWith('brq') || (master === undefined && (ifname.startsWith('tap') || ifname === 'eth1')),
    )
    .map((link) => {
      const ports = all.filter(({ master }) => master === link.ifname).map(({ ifname }) => ifname);
      return `   ip     ${link.ifname}${addresses(link)}${ports.length > 0 ? `  <- ${ports.join(', ')}` : ''}`;
    });
  return rows.join('\n');
}

const isIn = (links: Map<string, SeenLink>, device: string, master: string): boolean =>
  links.get(device)?.master === master;
const isFree = (links: Map<string, SeenLink>, device: string): boolean =>
  links.has(device) && links.get(device)?.master === undefined;
const has = (links: Map<string, SeenLink>, device: string, address: string): boolean =>
  links.get(device)?.addr_info?.some(({ local }) => local === address) === true;

async function play(database: DemoDatabase, agent: DemoAgent): Promise<void> {
  say('\n1. Two networks and three ports are in the database, their taps on the host.');
  await expect(
    agent,
    'every tap is in its network’s bridge; the host’s address moved to the flat bridge',
    (links) =>
      isIn(links, tap(WEB), bridge(PRIVATE)) &&
      isIn(links, tap(DATABASE), bridge(PRIVATE)) &&
      isIn(links, tap(ROUTER), bridge(PUBLIC)) &&
      isIn(links, 'eth1', bridge(PUBLIC)) &&
      has(links, bridge(PUBLIC), '192.0.2.10'),
  );

  say('\n2. A port is created, and its tap appears.');
  await database.sql(insertPort(LATE, PRIVATE, 'late'));
  plugIn(LATE);
  await expect(agent, 'the new tap is wired', (links) => isIn(links, tap(LATE), bridge(PRIVATE)));

  say('\n3. An administrator sets a port down.');
  await database.sql(`UPDATE ports SET admin_state_up = false WHERE id = '${DATABASE}'`);
  await expect(
    agent,
    'its tap is out of the bridge, the others stay',
    (links) => isFree(links, tap(DATABASE)) && isIn(links, tap(WEB), bridge(PRIVATE)),
  );

  say('\n4. The database stops. Meanwhile a guest reboots: its tap goes and comes back.');
  await database.stop();
  await waitForLine(agent, 'database lost, the data plane stays as it is');
  command('ip', 'link', 'delete', tap(WEB));
  plugIn(WEB);
  await expect(
    agent,
    'the tap is wired again from memory; nothing else moved',
    (links) =>
      isIn(links, tap(WEB), bridge(PRIVATE)) &&
      isIn(links, tap(LATE), bridge(PRIVATE)) &&
      isIn(links, tap(ROUTER), bridge(PUBLIC)),
  );
}

async function deleteAndAccept(database: DemoDatabase, agent: DemoAgent, configFile: string): Promise<void> {
  say(
    '\n5. The database is back, and the flat network is deleted: one wire more within ten minutes than is free.',
  );
  await database.start();
  await waitForLine(agent, 'database is back');
  await database.sql(`DELETE FROM ports WHERE network_id = '${PUBLIC}'`);
  await database.sql(`DELETE FROM network_bindings WHERE network_id = '${PUBLIC}'`);
  await database.sql(`DELETE FROM networks WHERE id = '${PUBLIC}'`);
  const held = await waitForLine(agent, 'removals held, see accept');
  await expect(
    agent,
    'the guard holds it: nobody has lost a wire',
    (links) => isIn(links, tap(ROUTER), bridge(PUBLIC)) && has(links, bridge(PUBLIC), '192.0.2.10'),
  );

  say('\n6. An operator has looked at it, and accepts just that.');
  say(`   ${await program('--config-file', configFile, 'accept', String(held.fingerprint))}`);
  await expect(
    agent,
    'its bridge is gone, and the host has its address back on eth1',
    (links) =>
      !links.has(bridge(PUBLIC)) &&
      isFree(links, tap(ROUTER)) &&
      has(links, 'eth1', '192.0.2.10') &&
      isIn(links, tap(WEB), bridge(PRIVATE)),
  );

  const statuses = await database.sql('SELECT name, status FROM ports ORDER BY name');
  say(
    `\nStatuses in the database: ${statuses.map((row) => Object.values(row as object).join(' ')).join(', ')}`,
  );
}

async function waitForLine(agent: DemoAgent, message: string): Promise<LogLine> {
  const deadline = performance.now() + HANG_LIMIT_MS;
  for (;;) {
    const said = agent.lines.find(({ msg }) => msg === message);
    if (said !== undefined) return said;
    if (performance.now() > deadline)
      throw new Error(`the agent did not say "${message}" within ${HANG_LIMIT_MS / 1000} s`);
    await delay(20);
  }
}

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'quantum-demo-'));
  const configFile = join(folder, 'demo.ini');
  let agent: DemoAgent | null = null;
  try {
    command('ip', 'link', 'set', 'lo', 'up');
    command('ip', 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'wire');
    command('ip', 'link', 'set', 'wire', 'up');
    command('ip', 'link', 'set', 'eth1', 'up');
    command('ip', 'address', 'add', '192.0.2.10/24', 'dev', 'eth1');
    say('Starting a PostgreSQL (PGlite) in a network namespace of its own …');
    const database = await startDatabase({ host: '127.0.0.1', port: 5432 });
    writeFileSync(configFile, configuration(folder));
    say(`   ${await program('--config-file', configFile, 'schema', 'migrate')}`);
    for (const statement of rows()) await database.sql(statement);
    for (const port of [WEB, DATABASE, ROUTER]) plugIn(port);
    agent = startAgent(configFile);
    await play(database, agent);
    await deleteAndAccept(database, agent, configFile);
    const code = await agent.stop();
    say(`\nThe agent ended with ${code} and left the data plane as it was. The kernel is as it should be.`);
    await database.stop();
    await playTunnel(database, folder);
    return code === 0 && seenLinks().get(tap(WEB))?.master === bridge(PRIVATE) ? 0 : 1;
  } catch (error) {
    say(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
    for (const line of agent?.lines.slice(-5) ?? []) say(`   agent  ${JSON.stringify(line)}`);
    return 1;
  } finally {
    await agent?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const configuration = (folder: string): string => `[DATABASE]
sql_connection = postgresql://postgres@127.0.0.1:5432/postgres
reconnect_interval = 1
[LINUX_BRIDGE]
physical_interface_mappings = physnet1:eth1
[AGENT]
polling_interval = 1
log_level = debug
state_dir = ${folder}
run_dir = ${folder}
`;

const rows = (): string[] => [
  insertNetwork(PRIVATE, 'private'),
  insertNetwork(PUBLIC, 'public'),
  `INSERT INTO network_bindings (network_id, physical_network, vlan_id) VALUES ('${PRIVATE}', NULL, -2)`,
  `INSERT INTO network_bindings (network_id, physical_network, vlan_id) VALUES ('${PUBLIC}', 'physnet1', -1)`,
  insertPort(WEB, PRIVATE, 'web'),
  insertPort(DATABASE, PRIVATE, 'database'),
  insertPort(ROUTER, PUBLIC, 'router'),
];

process.exit(await main());
