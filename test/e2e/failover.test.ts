import { startMariadbPair } from '../support/databases/mariadb-pair.js';
import { describeFailover } from '../support/host/failover.js';

describeFailover('MariaDB', startMariadbPair);
