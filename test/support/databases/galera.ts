import { existsSync } from 'node:fs';
import { prepareMariadb } from './mariadb.js';
import { makeAccount } from './mysql-family.js';
import { freePort, systemUser, type TestServer, waitUntil } from './servers.js';

/** Debian's galera-4, which mariadb-server brings along. */
const PROVIDER = '/usr/lib/galera/libgalera_smm.so';

/** A cluster of three MariaDB servers on the loopback, each of which takes writes. */
export interface GaleraCluster {
  readonly nodes: readonly [TestServer, TestServer, TestServer];
  /** Starts a node that was killed; resolves when it has all rows and answers. */
  rejoin(node: TestServer): Promise<void>;
  /** Resolves when a node takes part in a cluster of this many. */
  waitForSize(node: TestServer, size: number): Promise<void>;
  destroy(): Promise<void>;
}

/** A silent node is given up a little sooner than by default; much sooner, and a busy machine breaks the cluster up. */
const IMPATIENT = [
  'evs.keepalive_period=PT0.5S',
  'evs.suspect_timeout=PT3S',
  'evs.inactive_timeout=PT9S',
  'pc.announce_timeout=PT1S',
  'pc.recovery=false',
  'gcache.size=16M',
];

/** Starts three nodes; the second and the third take their rows from one that is there (rsync). */
export async function startGalera(): Promise<GaleraCluster> {
  if (!existsSync(PROVIDER)) throw new Error('Galera is not installed: apt-get install galera-4');
  const ports = [await freePort(), await freePort(), await freePort()] as const;
  const address = `gcomm://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`;
  let isFirstStart = true;
  const prepare = async (port: number): Promise<TestServer> => {
    const [statePort, incrementPort] = [await freePort(), await freePort()];
    const settings = (): readonly string[] => [
      ...nodeSettings(port, statePort, incrementPort),
      `wsrep-cluster-address=${isFirstStart ? 'gcomm://' : address}`,
    ];
    // rsync's daemon, when root starts it, becomes nobody and may not write into the node's folder.
    return prepareMariadb(settings, systemUser('mysql'));
  };
  const nodes = [await prepare(ports[0]), await prepare(ports[1]), await prepare(ports[2])] as const;
  const rejoin = async (node: TestServer): Promise<void> => {
    await node.start();
    await waitForState(node, 'wsrep_local_state_comment', 'Synced');
  };
  const destroy = async (): Promise<void> => {
    for (const node of nodes) await node.destroy();
  };
  try {
    await nodes[0].start();
    isFirstStart = false;
    await makeAccount(nodes[0]);
    await rejoin(nodes[1]);
    await rejoin(nodes[2]);
  } catch (error) {
    await destroy();
    throw error;
  }
  return {
    nodes,
    rejoin,
    waitForSize: (node, size) => waitForState(node, 'wsrep_cluster_size', String(size)),
    destroy,
  };
}

const nodeSettings = (port: number, statePort: number, incrementPort: number): readonly string[] => [
  'wsrep-on=ON',
  `wsrep-provider=${PROVIDER}`,
  'binlog-format=ROW',
  'innodb-autoinc-lock-mode=2',
  'wsrep-sst-method=rsync',
  `wsrep-node-address=127.0.0.1:${port}`,
  `wsrep-sst-receive-address=127.0.0.1:${statePort}`,
  `wsrep-provider-options=${[
    `gmcast.listen_addr=tcp://127.0.0.1:${port}`,
    `ist.recv_addr=127.0.0.1:${incrementPort}`,
    ...IMPATIENT,
  ].join(';')}`,
];

function waitForState(node: TestServer, variable: string, wanted: string): Promise<void> {
  const reads = async (): Promise<boolean> => {
    const [row] = await node.query(`show status like '${variable}'`);
    return row?.Value === wanted;
  };
  return waitUntil(() => reads().catch(() => false), `${variable} is ${wanted}`);
}
