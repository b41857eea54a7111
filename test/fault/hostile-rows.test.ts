import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENGINES, usually } from '../support/databases/engines.js';
import type { TestServer } from '../support/databases/servers.js';
import { makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import { bridgeOf, makeHost, portId, tapOf, waitForMaster } from '../support/host/host.js';
import { type Cleanup, type IpLink, ip, ipBatch, ipJson } from '../support/host/netns.js';
import { startQuietWitness } from '../support/host/witness.js';
import { HOSTILE_NUMBERS, HOSTILE_TEXTS, type Hostile } from './hostile-values.js';

const DATABASE = 'hostile';
const LINE_MAX = 4096;
const HEALTHY = 'aaaaaaaa-1111-4222-8333-444455556666';
const FOREIGN = ['br-foreign', 'in-foreign', 'out-foreign', 'tapforeign', 'eth2', 'vnet0'];

type Values = Readonly<Record<string, Hostile>>;

/** One port with its network and binding, in which one column is hostile. */
interface Victim {
  readonly column: string;
  readonly value: Hostile;
  readonly port: string;
  readonly ports: Values;
  readonly network_bindings: Values;
  readonly portbindingports: Values;
}

const COLUMNS: readonly (readonly [
  table: 'ports' | 'network_bindings' | 'portbindingports',
  string,
  readonly Hostile[],
])[] = [
  ['ports', 'network_id', HOSTILE_TEXTS],
  ['ports', 'status', HOSTILE_TEXTS],
  ['ports', 'device_owner', HOSTILE_TEXTS],
  ['ports', 'admin_state_up', HOSTILE_NUMBERS],
  ['network_bindings', 'physical_network', HOSTILE_TEXTS],
  ['network_bindings', 'vlan_id', HOSTILE_NUMBERS],
  ['portbindingports', 'host', HOSTILE_TEXTS],
];

/** Every column with every value, and ids whose tail is hostile: their first characters name a tap. */
function victims(): Victim[] {
  let made = 0;
  const next = (): readonly [string, string] => {
    made += 1;
    const hex = made.toString(16).padStart(8, '0');
    return [`${hex}-77-port`, `${hex}-88-net`];
  };
  const columns = COLUMNS.flatMap(([table, column, values]) =>
    values.map((value) => {
      const [port, network] = next();
      const victim = plain(port, network);
      return { ...victim, column, value, [table]: { ...victim[table], [column]: value } };
    }),
  );
  const tails = HOSTILE_TEXTS.filter(
    (value): value is string => typeof value === 'string' && value.length < 200,
  );
  const ids = tails.map((value) => {
    const [port, network] = next();
    return { ...plain(port + value, network), column: 'id', value };
  });
  return [...columns, ...ids];
}

const plain = (port: string, network: string): Omit<Victim, 'column' | 'value'> => ({
  port,
  ports: { id: port, network_id: network, admin_state_up: 1, status: 'DOWN', device_owner: '' },
  network_bindings: { network_id: network, physical_network: 'physnet1', vlan_id: -2 },
  portbindingports: { port_id: port, host: 'host1' },
});

/** Columns are as generous as the engine lets them be; ids that differ in case are two ids. */
async function makeTables(server: TestServer): Promise<void> {
  const isMysql = server.engine === 'mysql';
  await server.createDatabase(DATABASE, isMysql ? 'character set utf8mb4 collate utf8mb4_bin' : '');
  const text = isMysql ? 'mediumtext' : 'text';
  const key = isMysql ? 'varchar(700)' : 'text';
  await server.query(
    [
      ...(isMysql ? [] : ['set role quantum']),
      `create table ports (id ${key} primary key, network_id ${text}, admin_state_up bigint, status ${text}, device_owner ${text})`,
      `create table networks (id ${key} primary key)`,
      `create table network_bindings (network_id ${key} primary key, physical_network ${text}, vlan_id bigint)`,
      `create table portbindingports (port_id ${key} primary key, host ${text})`,
    ].join(';\n'),
    DATABASE,
  );
}

async function fillTables(server: TestServer, all: readonly Victim[]): Promise<void> {
  const quote = (value: Hostile): string => {
    if (typeof value !== 'string') return String(value);
    const escaped = value.replaceAll("'", "''");
    return `'${server.engine === 'mysql' ? escaped.replaceAll('\\', '\\\\') : escaped}'`;
  };
  const insert = (table: string, values: Values): string =>
    `insert into ${table} (${Object.keys(values).join(', ')}) values (${Object.values(values).map(quote).join(', ')})`;
  const healthy = [portId(1), portId(2)].map((port) => plain(port, HEALTHY));
  const statements = [
    insert('networks', { id: HEALTHY }),
    insert('network_bindings', healthy[0]?.network_bindings ?? {}),
    ...healthy.flatMap(({ ports, portbindingports }) => [
      insert('ports', ports),
      insert('portbindingports', portbindingports),
    ]),
    ...all.flatMap(({ ports, network_bindings, portbindingports }) => [
      insert('ports', ports),
      insert('networks', { id: network_bindings.network_id ?? null }),
      insert('network_bindings', network_bindings),
      insert('portbindingports', portbindingports),
    ]),
  ];
  await server.query(statements.join(';\n'), DATABASE);
}

/** Devices of somebody else: named like nothing of the agent's, or like a value that stands in a row. */
function makeForeignDevices(namespace: string): void {
  ipBatch(namespace, [
    'link add br-foreign type bridge',
    'link add in-foreign type veth peer name out-foreign',
    'link set in-foreign master br-foreign',
    'link set br-foreign up',
    'link set in-foreign up',
    'link add eth2 type veth peer name vnet0',
    'tuntap add dev tapforeign mode tap',
    'link set tapforeign master br-foreign',
  ]);
}

async function makeStage(t: Cleanup, server: TestServer) {
  const all = victims();
  await makeTables(server);
  await fillTables(server, all);
  const { namespace } = makeHost(t);
  makeForeignDevices(namespace);
  // A victim whose id is hostile has the same first characters as an ordinary one.
  ipBatch(
    namespace,
    [portId(1), portId(2), ...all.map(({ port }) => port)].map(
      (port) => `tuntap add dev ${tapOf(port)} mode tap`,
    ),
  );
  const config = makeConfig({ url: socketUrl(server, DATABASE), mappings: 'physnet1:eth1' });
  return { all, namespace, config };
}

const masters = (namespace: string): Map<string, string | undefined> =>
  new Map(ipJson<IpLink>(namespace, 'link', 'show').map(({ ifname, master }) => [ifname, master]));

interface Report {
  readonly warnings: readonly { readonly code: string; readonly message: string; readonly port?: string }[];
  readonly failed: readonly unknown[];
}

for (const { name, start } of usually('PostgreSQL', ENGINES)) {
  test(`rows that hold anything at all cost themselves only (${name})`, async (t) => {
    const server = await start();
    t.after(() => server.destroy());
    const { all, namespace, config } = await makeStage(t, server);
    const before = masters(namespace);
    const witness = await startQuietWitness(t, namespace);

    const agent = await startAgent(t, namespace, config);
    for (const port of [portId(1), portId(2)]) await waitForMaster(namespace, tapOf(port), bridgeOf(HEALTHY));
    const once = async () => {
      agent.signal('SIGTERM');
      assert.equal(await agent.ended(), 0, agent.stderr());
      return runCli(namespace, ['--config-file', config.path, '--json', 'once']);
    };
    await agent.line('statuses written');
    const ran = await once();

    assert.ok(ran.code === 0 || ran.code === 1, `${ran.code}: ${ran.stderr}`);
    const report = JSON.parse(ran.stdout) as Report;
    assert.deepEqual(report.failed, []);
    await witness.expectNothingOn(...FOREIGN);
    assertOnlyOwnDevices(before, masters(namespace));
    assertBounded(agent.stderr());
    assertOneWarningEach(all, report, masters(namespace));
    assert.match(ip(namespace, 'link', 'show', tapOf(portId(1))), new RegExp(`master ${bridgeOf(HEALTHY)}`));
  });
}

/** What was there before is where it was, but for taps; what is new is a bridge of the agent's. */
function assertOnlyOwnDevices(
  before: Map<string, string | undefined>,
  after: Map<string, string | undefined>,
): void {
  for (const [device, master] of before) {
    // The one interface that is mapped is a flat network's to take.
    if (/^tap[0-9a-f]/.test(device) || device === 'eth1') continue;
    assert.ok(after.has(device), `${device} is gone`);
    assert.equal(after.get(device), master, `${device} was moved`);
  }
  const made = [...after.keys()].filter((device) => !before.has(device));
  const strange = made.filter((device) => !/^brq[0-9a-f]{8}-/.test(device));
  assert.deepEqual(strange, []);
}

function assertBounded(log: string): void {
  for (const line of log.split('\n')) {
    assert.ok(
      Buffer.byteLength(line) < LINE_MAX,
      `a log line of ${Buffer.byteLength(line)} bytes: ${line.slice(0, 300)}`,
    );
    assert.ok(
      !/[\p{Cc}\p{Cf}]/u.test(line),
      `a log line holds an invisible character: ${line.slice(0, 300)}`,
    );
  }
}

/** A port that is not wired has a warning of its own, one, with its whole id; none is longer than a screen. */
function assertOneWarningEach(
  all: readonly Victim[],
  report: Report,
  after: Map<string, string | undefined>,
): void {
  for (const { message } of report.warnings) assert.ok(message.length < 1000, message.slice(0, 200));
  const codes = new Map<string, string[]>();
  for (const { port, code } of report.warnings) {
    if (port !== undefined) codes.set(port, [...(codes.get(port) ?? []), code]);
  }
  for (const { port, column, value, ports } of all) {
    const told = codes.get(port) ?? [];
    const what = `${column} = ${JSON.stringify(String(value).slice(0, 40))} of ${JSON.stringify(port.slice(0, 40))}`;
    assert.ok(told.length <= 1, `${what}: ${told.join(', ')}`);
    const isDown = ports.admin_state_up === 0;
    const isWired = after.get(tapOf(port)) !== undefined;
    if (!isWired && !isDown && /^[!-.0-~]+$/.test(port))
      assert.equal(told.length, 1, `${what}: not wired, and no warning`);
  }
}
