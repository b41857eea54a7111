import assert from 'node:assert/strict';
import { rowsOf } from '../../support/databases/rows.js';
import { createSchema } from '../../support/databases/tables.js';
import { socketUrl } from '../../support/host/agent.js';
import { portId, tapOf } from '../../support/host/host.js';
import { restoreRows } from '../dump.js';
import { EVERY_ENGINE, type Fault, HELD, servesUnheld, severalPolls } from '../fault.js';
import { GUEST_PORTS, OTHER, OTHER_PORT, type Stage, serves, WIRED_PORTS } from '../stage.js';

/** The first of four to lose its row: one removal is free. */
const FREE_PORT = portId(6);

const usual = {
  engines: EVERY_ENGINE,
  manners: { over: 'socket' },
  touches: [],
  expect: async ({ says }: Stage) => void (await says(HELD)),
  serves: servesUnheld,
} as const satisfies Partial<Fault>;

const HOLDS = 'Holds the removals and says so once; they are no more when the rows are as before.';

async function warnsOnly(stage: Stage): Promise<void> {
  await stage.says('warning');
  await severalPolls(stage);
}

/** What works keeps its status too. */
async function statusesStay(stage: Stage): Promise<void> {
  await warnsOnly(stage);
  for (const port of WIRED_PORTS) assert.equal(await stage.rows.statusOf(port), 'ACTIVE', port);
}

/** A statement of somebody who forgot the WHERE; the dump puts it right. */
const forgotten =
  (statement: string): Fault['strike'] =>
  async (stage) => {
    await stage.sql(statement);
    return async () => void (await stage.sql(restoreRows(stage.dump)));
  };

/** `DELETE … LIMIT 1` again and again; the agent has time for several polls between two of them. */
async function deleteInBatches(stage: Stage): Promise<() => Promise<void>> {
  for (const port of [FREE_PORT, ...GUEST_PORTS]) {
    await stage.sql(`delete from ports where id = '${port}'`);
    await severalPolls(stage);
  }
  return async () => void (await stage.sql(restoreRows(stage.dump)));
}

/** Everything is deleted, and comes back with one INSERT after the other, each committed by itself; the last one is late. */
async function restoreRowByRow(stage: Stage): Promise<() => Promise<void>> {
  const [last = '', ...others] = stage.dump.rows.ports;
  await stage.sql('delete from ports');
  await stage.says(HELD);
  for (const row of others) {
    await stage.sql(row);
    await severalPolls(stage);
  }
  return async () => void (await stage.sql(last));
}

/** The tables are right and full, and belong to another cloud. */
async function nameWrongDatabase(stage: Stage): Promise<() => Promise<void>> {
  const { server, config, sections, agent } = stage;
  await server.createDatabase('other_cloud');
  await createSchema(server, 'grizzly', 'other_cloud');
  const others = rowsOf(server, 'grizzly', 'other_cloud');
  await others.network({ id: OTHER, type: 'local' });
  await others.port({ id: OTHER_PORT, network: OTHER, host: 'host2' });
  config.write({ ...sections, url: socketUrl(server, 'other_cloud') });
  agent.signal('SIGHUP');
  return async () => {
    config.write(sections);
    agent.signal('SIGHUP');
  };
}

export const ROW_FAULTS: readonly Fault[] = [
  {
    ...usual,
    name: 'DELETE FROM ports without WHERE',
    agent: `Sees that the table is wholly empty. ${HOLDS}`,
    strike: forgotten('delete from ports'),
  },
  {
    ...usual,
    name: 'DELETE FROM ports LIMIT 1, again and again',
    agent: 'Lets the free share go, one tap of four, and holds every one after it.',
    touches: [tapOf(FREE_PORT)],
    strike: deleteInBatches,
  },
  {
    ...usual,
    name: 'ports restored row by row, each row committed by itself',
    agent:
      'Holds the removals to the last row: what was too much once is no less so when most of it is back.',
    strike: restoreRowByRow,
  },
  {
    ...usual,
    name: 'DELETE FROM network_bindings without WHERE',
    agent: 'Warns, leaves every tap, uplink and status as it is.',
    strike: forgotten('delete from network_bindings'),
    expect: statusesStay,
    serves,
  },
  {
    ...usual,
    name: 'UPDATE network_bindings SET physical_network = NULL, vlan_id = 5000 without WHERE',
    agent: 'Warns that the rows cannot be read, leaves every tap, uplink and status as it is.',
    strike: forgotten('update network_bindings set physical_network = null, vlan_id = 5000'),
    expect: statusesStay,
    serves,
  },
  {
    ...usual,
    name: 'UPDATE ports SET admin_state_up = false without WHERE',
    agent: HOLDS,
    strike: forgotten('update ports set admin_state_up = false'),
  },
  {
    ...usual,
    name: 'UPDATE ports SET network_id without WHERE',
    agent: HOLDS,
    strike: forgotten(`update ports set network_id = '${OTHER}'`),
  },
  {
    ...usual,
    name: 'UPDATE network_bindings SET physical_network, vlan_id without WHERE',
    agent: `Warns that the networks ask for one VLAN. ${HOLDS}`,
    strike: forgotten("update network_bindings set physical_network = 'physnet1', vlan_id = 7"),
  },
  {
    ...usual,
    name: 'UPDATE portbindingports SET host without WHERE',
    agent: 'Leaves alone what is bound to another host, and warns.',
    strike: forgotten("update portbindingports set host = 'host2'"),
    expect: warnsOnly,
    serves,
  },
  {
    ...usual,
    name: 'wrong database: the tables of another cloud',
    agent: HOLDS,
    strike: nameWrongDatabase,
  },
];
