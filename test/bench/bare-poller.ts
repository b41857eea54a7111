import pg from 'pg';
import { HOST, networkId, portId } from './stage.js';

/**
 * Started by the steady scenario, with a folder, a port, the number of taps, the number of networks and `own` or `all`:
 * the same statements as the agent's for the same rows, or `SELECT *` of whole tables, every 200 ms, and nothing else.
 */
const [folder = '', port = '', taps = '', networks = '', kind = ''] = process.argv.slice(2);

const list = (count: number, idOf: (number: number) => string): string[] =>
  Array.from({ length: count }, (_, at) => idOf(at + 1));

const client = new pg.Client({ host: folder, port: Number(port), user: 'postgres', database: 'quantum' });
await client.connect();
const OWN = [
  {
    text: `select ports.id, ports.network_id, admin_state_up, status, device_owner, host from ports
      left join portbindingports on port_id = ports.id where ports.id = any($1)`,
    values: [`{${list(Number(taps), portId)}}`],
  },
  {
    text: `select id as network_id, 1 as is_network, null as physical_network, 0 as vlan_id from networks where id = any($1)
      union all select network_id, 0, physical_network, vlan_id from network_bindings where network_id = any($1)`,
    values: [`{${list(Number(networks), networkId)}}`],
  },
];
const ALL = ['ports', 'portbindingports', 'networks', 'network_bindings'].map((table) => ({
  text: `select * from ${table}`,
  values: [],
}));

async function poll(): Promise<void> {
  await client.query('begin isolation level repeatable read read only');
  let rows = 0;
  for (const statement of kind === 'own' ? OWN : ALL) rows += (await client.query(statement)).rows.length;
  await client.query('commit');
  if (rows === 0) throw new Error(`nothing was found for ${HOST}`);
  process.send?.('polled');
}

for (;;) {
  const startedMs = performance.now();
  await poll();
  await new Promise((settle) => setTimeout(settle, Math.max(0, 200 - (performance.now() - startedMs))));
}
