import { connectPair, pollsOf, type ReplicaPair } from './mariadb-pair.js';
import { prepareMysql } from './mysql.js';
import { PASSWORD, type TestServer, USER } from './servers.js';

const GTID = ['gtid-mode=ON', 'enforce-gtid-consistency=ON', 'log-bin=binlog'];
/** Nothing is lost when it is killed. */
const DURABLE = ['innodb-flush-log-at-trx-commit=1', 'sync-binlog=1'];
/** A replica that was promoted has rows of its own: what is there already, or is gone already, is not in the way. */
const FORGIVING = 'replica-exec-mode=IDEMPOTENT';
const GTID_WAIT_S = 30;

/** Starts two MySQL servers; whatever is made on the primary from now on comes to the replica, by its transaction's name. */
export async function startMysqlPair(): Promise<ReplicaPair> {
  const primary = await prepareMysql(() => ['server-id=1', ...GTID, ...DURABLE]);
  const replica = await prepareMysql(() => ['server-id=2', ...GTID, FORGIVING]);
  const destroy = await connectPair(
    primary,
    replica,
    `change replication source to source_host = '127.0.0.1', source_port = ${primary.port}, source_user = '${USER}',
       source_password = '${PASSWORD}', source_connect_retry = 1, source_auto_position = 1, get_source_public_key = 1`,
  );
  return {
    primary,
    replica,
    lag: async () => void (await replica.query('stop replica')),
    catchUp: () => catchUp(primary, replica),
    promote: async () =>
      void (await replica.query('stop replica; set global super_read_only = 0; set global read_only = 0')),
    primaryIsPolled: (count) => pollsOf(primary, count),
    replicaIsPolled: (count) => pollsOf(replica, count),
    destroy,
  };
}

async function catchUp(primary: TestServer, replica: TestServer): Promise<void> {
  await replica.query('set global super_read_only = 1; start replica');
  const [written] = await primary.query('select @@gtid_executed as position');
  const [waited] = await replica.query(
    `select wait_for_executed_gtid_set('${written?.position}', ${GTID_WAIT_S}) as state`,
  );
  if (waited?.state !== 0) throw new Error(`the replica did not catch up with ${written?.position}`);
}
