import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { schemaStatements } from '../support/databases/tables.js';
import { HANG_LIMIT_MS } from '../support/limit.js';
import {
  command,
  type DemoAgent,
  type DemoDatabase,
  end,
  output,
  PROGRAM,
  quiet,
  say,
  startAgent,
  tap,
} from './stage.js';

const NETWORK = 'cccccccc-3333-4000-8000-000000000003';
const TUNNEL = 'vxlan-77';
const ECHO_PORT = 7000;

/** A network namespace that lives as long as its process; an ordinary user may make one inside of the demo's own. */
interface Place {
  readonly process: ChildProcess;
  /** Goes before a command that is to run there. */
  readonly prefix: readonly [string, string];
}

/** A host of the cloud with its agent. */
interface DemoHost extends Place {
  readonly name: string;
  readonly local: string;
  readonly configFile: string;
  readonly agent: DemoAgent;
}

/** A guest, which answers whoever writes to it. */
interface DemoGuest extends Place {
  readonly name: string;
  readonly port: string;
  readonly address: string;
  readonly mac: string;
}

/** Everything that has to end with the demo. */
type Ends = (() => Promise<unknown>)[];

const ECHO = `require('node:dgram').createSocket('udp4')
  .on('message', function (packet, from) { this.send(packet, from.port, from.address); }).bind(${ECHO_PORT});`;

/** Asks again and again, as whoever waits for a guest does; ends with the first answer. */
const ASK = (address: string): string => `const socket = require('node:dgram').createSocket('udp4');
  const ask = () => socket.send('?', ${ECHO_PORT}, '${address}', () => {});
  socket.on('error', () => {}).on('message', () => process.exit(0));
  setInterval(ask, 50); ask();`;

/** Waits until it holds; what cannot be looked at yet does not hold. */
async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + HANG_LIMIT_MS;
  const isSo = (): boolean => {
    try {
      return holds();
    } catch {
      return false;
    }
  };
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`not within ${HANG_LIMIT_MS / 1000} s: ${what}`);
    await delay(20);
  }
}

async function makePlace(ends: Ends, ...argv: readonly string[]): Promise<Place> {
  const child = spawn('unshare', ['--net', ...argv], { stdio: ['ignore', 'ignore', 'inherit'] });
  ends.push(() => end(child));
  const own = readlinkSync('/proc/self/ns/net');
  await until('a namespace is made', () => readlinkSync(`/proc/${child.pid}/ns/net`) !== own);
  return { process: child, prefix: ['nsenter', `--net=/proc/${child.pid}/ns/net`] };
}

const runIn = ({ prefix: [nsenter, net] }: Place, ...argv: readonly string[]): string =>
  command(nsenter, net, ...argv);

/** Another cloud in the same database, at a socket that every host reaches: the tables of ML2 with one network of type vxlan. */
async function makeCloud(database: DemoDatabase, folder: string): Promise<void> {
  await database.start({ path: join(folder, '.s.PGSQL.5432') });
  await database.sql('DROP SCHEMA public CASCADE');
  await database.sql('CREATE SCHEMA public');
  for (const statement of schemaStatements('postgresql', 'ml2-zed')) await database.sql(statement);
  await database.sql(
    `INSERT INTO networks (id, name, status, admin_state_up, mtu) VALUES ('${NETWORK}', 'tenant', 'ACTIVE', true, 1450)`,
  );
  await database.sql(
    `INSERT INTO networksegments (id, network_id, network_type, segmentation_id, is_dynamic)
     VALUES ('${NETWORK}', '${NETWORK}', 'vxlan', 77, false)`,
  );
}

/** A host on the bridge `underlay`, which stands for the wire between hosts. */
async function makeHost(ends: Ends, folder: string, number: number): Promise<DemoHost> {
  const [name, local] = [`host${number}`, `192.0.2.${number}`];
  const place = await makePlace(ends, 'sleep', 'infinity');
  command('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', `${place.process.pid}`);
  command('ip', 'link', 'set', name, 'master', 'underlay', 'up');
  runIn(place, 'ip', 'address', 'add', `${local}/24`, 'dev', 'eth0');
  runIn(place, 'ip', 'link', 'set', 'eth0', 'up');
  const own = join(folder, name);
  const configFile = join(own, 'demo.ini');
  mkdirSync(own);
  writeFileSync(configFile, configuration(folder, own, name, local));
  const agent = startAgent(configFile, place.prefix);
  ends.push(() => agent.stop());
  return { ...place, name, local, configFile, agent };
}

const configuration = (folder: string, own: string, name: string, local: string): string => `[DATABASE]
sql_connection = postgresql://postgres@/postgres?host=${folder}
query_timeout = 30
[VXLAN]
local_ip = ${local}
l2_population = true
[AGENT]
host = ${name}
polling_interval = 1
log_level = debug
state_dir = ${own}
run_dir = ${own}
`;

/** Its port is bound to a host, and its tap plugged in there. */
async function makeGuest(
  ends: Ends,
  database: DemoDatabase,
  host: DemoHost,
  number: number,
  name: string,
): Promise<DemoGuest> {
  const place = await makePlace(ends, process.execPath, '--eval', ECHO);
  const guest = {
    ...place,
    name,
    port: `5555555${number}-cccc-4000-8000-00000000005${number}`,
    address: `10.77.0.${number}`,
    mac: `fa:16:3e:00:00:5${number}`,
  };
  await database.sql(
    `INSERT INTO ports (id, name, network_id, mac_address, admin_state_up, status, device_id, device_owner)
     VALUES ('${guest.port}', '${name}', '${NETWORK}', '${guest.mac}', true, 'DOWN', '', '')`,
  );
  await bind(database, guest, host);
  plugIn(guest, host);
  return guest;
}

/** As the server binds a port, and binds it anew when its guest has moved. */
async function bind(database: DemoDatabase, { port }: DemoGuest, { name }: DemoHost): Promise<void> {
  for (const table of ['ml2_port_bindings', 'ml2_port_binding_levels'])
    await database.sql(`DELETE FROM ${table} WHERE port_id = '${port}'`);
  await database.sql(
    `INSERT INTO ml2_port_bindings (port_id, host, vif_type) VALUES ('${port}', '${name}', 'bridge')`,
  );
  await database.sql(
    `INSERT INTO ml2_port_binding_levels (port_id, host, level, driver, segment_id)
     VALUES ('${port}', '${name}', 0, 'linuxbridge', '${NETWORK}')`,
  );
}

/** A veth pair whose near end is the tap. */
function plugIn(guest: DemoGuest, host: DemoHost): void {
  const [near, far] = [`${host.process.pid}`, `${guest.process.pid}`];
  const pair = ['type', 'veth', 'peer', 'name', 'eth0', 'address', guest.mac, 'netns', far];
  command('ip', 'link', 'add', tap(guest.port), 'netns', near, ...pair);
  runIn(guest, 'ip', 'link', 'set', 'eth0', 'mtu', '1450', 'up');
  runIn(guest, 'ip', 'address', 'add', `${guest.address}/24`, 'dev', 'eth0');
}

const unplug = ({ port }: DemoGuest, host: DemoHost): void =>
  void runIn(host, 'ip', 'link', 'delete', tap(port));

/** To whom the tunnel of a host floods, as `bridge` sees it. */
function floodsTo(host: DemoHost): string[] {
  const rows: { mac: string; dst?: string }[] = JSON.parse(
    runIn(host, 'bridge', '-j', 'fdb', 'show', 'dev', TUNNEL),
  );
  return rows.flatMap(({ mac, dst }) => (mac === '00:00:00:00:00:00' && dst !== undefined ? [dst] : []));
}

async function reach(from: DemoGuest, to: DemoGuest): Promise<void> {
  const [nsenter, net] = from.prefix;
  await output(nsenter, net, process.execPath, '--eval', ASK(to.address));
  say(`   guest  ${from.name} (${from.address}) gets an answer from ${to.name} (${to.address})`);
}

const TOLD = ['create-vxlan', 'set-forwarding'];

/** What the agents did with tunnels, and whom these lead to. */
async function tell(hosts: readonly DemoHost[]): Promise<void> {
  for (const { name, agent } of hosts) {
    await quiet(agent);
    for (const { msg, op, device, reason } of agent.lines.splice(0))
      if (msg === 'operation done' && TOLD.includes(String(op)))
        say(`   ${name}  ${op} ${device}: ${reason}`);
  }
  for (const host of hosts)
    say(`   bridge ${host.name}: ${TUNNEL} floods to ${floodsTo(host).join(', ') || 'nobody'}`);
}

/** Two hosts in namespaces of their own on a database that is stopped, a network of type vxlan across them, and a guest that moves. */
export async function playTunnel(database: DemoDatabase, folder: string): Promise<void> {
  const ends: Ends = [];
  try {
    await play(database, folder, ends);
  } finally {
    for (const one of ends.reverse()) await one();
  }
}

async function play(database: DemoDatabase, folder: string, ends: Ends): Promise<void> {
  say('\n7. Another cloud: two hosts, and a network of type vxlan with a guest on each.');
  await makeCloud(database, folder);
  ends.push(() => database.stop());
  command('ip', 'link', 'add', 'underlay', 'type', 'bridge');
  command('ip', 'link', 'set', 'underlay', 'up');
  const one = await makeHost(ends, folder, 1);
  const two = await makeHost(ends, folder, 2);
  const web = await makeGuest(ends, database, one, 1, 'web');
  const store = await makeGuest(ends, database, two, 2, 'store');
  const isTo = (host: DemoHost, other: DemoHost) => (): boolean => floodsTo(host).includes(other.local);
  await until('host 1 knows host 2', isTo(one, two));
  await until('host 2 knows host 1', isTo(two, one));
  await reach(web, store);
  await tell([one, two]);
  say('   ok     each host has a tunnel that leads to the other; nobody but the database has told them');

  say('\n8. A second guest starts beside the first one, and moves to the other host.');
  const mover = await makeGuest(ends, database, one, 3, 'mover');
  await reach(mover, store);
  unplug(mover, one);
  await bind(database, mover, two);
  plugIn(mover, two);
  await reach(mover, web);
  await reach(web, mover);
  say(
    await output(
      ...two.prefix,
      process.execPath,
      PROGRAM,
      '--config-file',
      two.configFile,
      'explain',
      NETWORK,
    ),
  );
  say('   ok     it is reached where it is now');
}
