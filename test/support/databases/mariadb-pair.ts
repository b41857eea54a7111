import { prepareMariadb } from './mariadb.js';
import { makeAccount } from './mysql-family.js';
import { PASSWORD, type TestServer, USER, waitUntil } from './servers.js';

/** Two servers, of which the second applies what the first writes to its binary log, and takes no writes. */
export interface ReplicaPair {
  readonly primary: TestServer;
  readonly replica: TestServer;
  /** The replica applies nothing more, as one does that lags behind. */
  lag(): Promise<void>;
  /** The replica is read-only, and has everything that the primary has. */
  catchUp(): Promise<void>;
  /** The replica takes writes from now on. */
  promote(): Promise<void>;
  /** Waits for so many polls of an agent on the primary. */
  primaryIsPolled(count: number): Promise<void>;
  /** Waits for so many polls of an agent on the replica. */
  replicaIsPolled(count: number): Promise<void>;
  destroy(): Promise<void>;
}

/** Nothing is lost when it is killed. */
const LOGGED = ['log-bin=binlog', 'binlog-format=row', 'sync-binlog=1'];
const DURABLE = 'innodb-flush-log-at-trx-commit=1';
/** A replica that was promoted has rows of its own: what is there already, or is gone already, is not in the way. */
const FORGIVING = 'slave-exec-mode=IDEMPOTENT';

/** Starts both; whatever is made on the primary from now on comes to the replica. */
export async function startMariadbPair(): Promise<ReplicaPair> {
  const primary = await prepareMariadb(() => ['server-id=1', DURABLE, ...LOGGED]);
  const replica = await prepareMariadb(() => ['server-id=2', FORGIVING]);
  const destroy = await connectPair(
    primary,
    replica,
    `change master to master_host = '127.0.0.1', master_port = ${primary.port}, master_user = '${USER}',
       master_password = '${PASSWORD}', master_connect_retry = 1, master_use_gtid = slave_pos`,
  );
  return {
    primary,
    replica,
    lag: async () => void (await replica.query('stop slave')),
    catchUp: () => catchUp(primary, replica),
    promote: async () => void (await replica.query('stop slave; set global read_only = 0')),
    primaryIsPolled: (count) => pollsOf(primary, count),
    replicaIsPolled: (count) => pollsOf(replica, count),
    destroy,
  };
}

/** Starts two servers of MySQL's family, the second as told by `follow` to take what the first writes. Gives what ends both. */
export async function connectPair(
  primary: TestServer,
  replica: TestServer,
  follow: string,
): Promise<() => Promise<void>> {
  const destroy = async (): Promise<void> => {
    await replica.destroy();
    await primary.destroy();
  };
  try {
    await primary.start();
    await replica.start();
    await makeAccount(primary);
    await primary.query(`grant replication slave on *.* to '${USER}'@'127.0.0.1'`);
    await replica.query(follow);
    return destroy;
  } catch (error) {
    await destroy();
    throw error;
  }
}

async function catchUp(primary: TestServer, replica: TestServer): Promise<void> {
  await replica.query('set global read_only = 1; start slave');
  const [written] = await primary.query('select @@gtid_binlog_pos as position');
  const [waited] = await replica.query(
    `select master_gtid_wait('${written?.position}', ${GTID_WAIT_S}) as state`,
  );
  if (waited?.state !== 0) throw new Error(`the replica did not catch up with ${written?.position}`);
}
const GTID_WAIT_S = 30;

/** Each poll is a transaction of its own. */
export async function pollsOf(server: TestServer, count: number): Promise<void> {
  const seen = async (): Promise<number> => {
    const [row] = await server.query(`show global status like 'Com_commit'`);
    return Number(row?.Value);
  };
  const first = await seen();
  await waitUntil(async () => (await seen()) >= first + count, `${count} polls`);
}
