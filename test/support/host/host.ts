import { after, afterEach, before, describe } from 'node:test';
import { ENGINES, type EngineName, usually } from '../databases/engines.js';
import { type Rows, rowsOf } from '../databases/rows.js';
import { type TestServer, waitUntil } from '../databases/servers.js';
import { createSchema, type TestGeneration } from '../databases/tables.js';
import { type Cleanup, command, ipJson, ipLink, makeNamespace, makeTap, makeVeth } from './netns.js';

/** Ids whose first characters, after which devices are named, differ; `n` from 1 to 9. */
export const portId = (n: number): string => `${String(n).repeat(8)}-1111-4222-8333-44445555666${n}`;
export const networkId = (n: number): string =>
  `${'abcdef'.charAt(n - 1).repeat(8)}-${n}111-4222-8333-444455556666`;
export const tapOf = (port: string): string => `tap${port.slice(0, 11)}`;
export const bridgeOf = (network: string): string => `brq${network.slice(0, 11)}`;

/** A host with the interface `eth1`, whose cable ends as `far` in a namespace of its own. */
export interface TestHost {
  readonly namespace: string;
  readonly outside: string;
}

export function makeHost(t: Cleanup): TestHost {
  const host = { namespace: makeNamespace(t), outside: makeNamespace(t) };
  setDuplicateAddressDetection(host.namespace, false);
  makeVeth(host.namespace, 'eth1', host.outside, 'far');
  return host;
}

/** Off, so that the kernel announces no address as usable some seconds after a link came up: witnesses would see it. */
export function setDuplicateAddressDetection(namespace: string, on: boolean): void {
  const settings = ['all', 'default'].map((scope) => `net.ipv6.conf.${scope}.accept_dad=${on ? 1 : 0}`);
  command('ip', 'netns', 'exec', namespace, 'sysctl', '-qw', ...settings);
}

/** Makes the taps of these ports, as Nova does. */
export const makeTapsOf = (namespace: string, ...ports: readonly string[]): void => {
  for (const port of ports) makeTap(namespace, tapOf(port));
};

/** The bridge that a device is in, as `ip` sees it; null: in none, undefined: no such device. */
export function masterOf(namespace: string, device: string): string | null | undefined {
  const link = ipLink(namespace, device);
  return link === undefined ? undefined : (link.master ?? null);
}

/** Waits until `masterOf` gives this. */
export const waitForMaster = (
  namespace: string,
  device: string,
  bridge: string | null | undefined,
): Promise<void> =>
  waitUntil(() => masterOf(namespace, device) === bridge, `the master of ${device} is ${bridge}`);

/** Waits until the table holds a status. */
export const waitForStatus = (rows: Rows, port: string, status: string): Promise<void> =>
  waitUntil(async () => (await rows.statusOf(port)) === status, `status ${status} of port ${port}`);

/** Names of all links, sorted. */
export const linkNames = (namespace: string): string[] =>
  ipJson<{ ifname: string }>(namespace, 'link', 'show')
    .map(({ ifname }) => ifname)
    .sort();

/** A database with the tables of one generation; its rows are deleted after each test. */
export interface TestDatabase {
  readonly server: TestServer;
  readonly rows: Rows;
}

/** The fast settings of the test server lose the last second when it is killed. */
const DURABLE = {
  PostgreSQL: [],
  MariaDB: ['innodb-flush-log-at-trx-commit=1'],
  MySQL: ['innodb-flush-log-at-trx-commit=1'],
};

/** Describes the same tests for the usual engine, see `usually`: one server, started before the first test. */
export function onUsualEngine(
  usual: EngineName,
  generation: TestGeneration,
  tests: (database: () => TestDatabase) => void,
): void {
  for (const { name, start } of usually(usual, ENGINES)) {
    describe(name, () => withDatabase(() => start({ settings: DURABLE[name] }), generation, tests));
  }
}

/** One server for the tests of a `describe`. `start` starts it. */
export function withDatabase(
  start: () => Promise<TestServer>,
  generation: TestGeneration,
  tests: (database: () => TestDatabase) => void,
): void {
  let made: TestDatabase | null = null;
  before(async () => {
    const server = await start();
    made = { server, rows: rowsOf(server, generation) };
    await createSchema(server, generation);
  });
  after(() => made?.server.destroy());
  afterEach(() => made?.rows.clear());
  tests(() => {
    if (made === null) throw new Error('the server has not started');
    return made;
  });
}
