import { startMysqlPair } from '../support/databases/mysql-pair.js';
import { describeFailover } from '../support/host/failover.js';

describeFailover('MySQL', startMysqlPair);
