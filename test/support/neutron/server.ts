import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  freePort,
  privateFolder,
  startProgram,
  type TestServer,
  waitUntilReady,
} from '../databases/servers.js';
import { socketUrl } from '../host/agent.js';
import type { Cleanup } from '../host/netns.js';
import { HANG_LIMIT_MS } from '../limit.js';
import { type Api, apiAt } from './api.js';

/** A neutron-server of a test's own: ML2 with the linuxbridge driver, no authentication, no broker. */
export interface Neutron {
  readonly api: Api;
  /** The database, which its agents share. */
  readonly server: TestServer;
  /** SQLAlchemy URL over the Unix socket, with the driver that Neutron has; our agent reads it as it is. */
  readonly url: string;
  readonly folder: string;
  /** Its configuration, which Neutron's own programs share. */
  readonly configFile: string;
}

const DRIVERS = { postgresql: 'postgresql+psycopg2', mysql: 'mysql+pymysql' } as const;

/** Without a broker a server is complete with `fake://`; everything that it would announce ends there. */
const configOf = (folder: string, url: string, port: number): string => `[DEFAULT]
auth_strategy = noauth
core_plugin = ml2
service_plugins = segments,qos,trunk
transport_url = fake://
bind_host = 127.0.0.1
bind_port = ${port}
api_workers = 0
rpc_workers = 0
rpc_state_report_workers = 0
api_paste_config = /etc/neutron/api-paste.ini
state_path = ${folder}
notify_nova_on_port_status_changes = False
notify_nova_on_port_data_changes = False
[database]
connection = ${url}
[experimental]
linuxbridge = True
[oslo_concurrency]
lock_path = ${folder}/lock
[ml2]
type_drivers = local,flat,vlan,vxlan
tenant_network_types = local
mechanism_drivers = linuxbridge
extension_drivers = qos
[ml2_type_flat]
flat_networks = *
[ml2_type_vlan]
network_vlan_ranges = physnet1
[ml2_type_vxlan]
vni_ranges = 1:2000
`;

/** The tables of a real Neutron in the database of a server, and the configuration of a neutron-server that is not started yet. */
export async function configureNeutron(server: TestServer): Promise<Neutron> {
  const folder = privateFolder('neutron');
  mkdirSync(join(folder, 'lock'));
  const url = socketUrl(server).replace(/^\w+/, DRIVERS[server.engine]);
  const port = await freePort();
  const configFile = join(folder, 'neutron.conf');
  writeFileSync(configFile, configOf(folder, url, port));
  await makeTables(configFile);
  return { api: apiAt(port), server, url, folder, configFile };
}

/** Starts a neutron-server on the database of a server. Ends with the test. */
export async function startNeutron(t: Cleanup, server: TestServer): Promise<Neutron> {
  const neutron = await configureNeutron(server);
  const log = join(neutron.folder, 'log');
  const program = startProgram(['/usr/bin/neutron-server', '--config-file', neutron.configFile], {
    log,
    user: null,
  });
  t.after(async () => {
    program.signal('SIGKILL');
    await program.ended();
  });
  await waitUntilReady(() => neutron.api.get('networks'), log);
  return neutron;
}

async function makeTables(configFile: string): Promise<void> {
  const args = ['--config-file', configFile, 'upgrade', 'heads'];
  await promisify(execFile)('neutron-db-manage', args, { timeout: HANG_LIMIT_MS }).catch(
    (error: Error & { stderr?: string }) => {
      throw new Error(`neutron-db-manage failed: ${error.stderr?.slice(-2000) ?? error.message}`);
    },
  );
}
