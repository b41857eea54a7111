import { BACK, HELD, LOST } from './fault.js';
import type { TunnelStage } from './tunnel-stage.js';

/** What may happen to a cloud with tunnels and must cost no guest that was fine a packet. */
export interface TunnelFault {
  readonly name: string;
  /** Makes it happen; the result makes it end. */
  strike(stage: TunnelStage): Promise<() => Promise<void>>;
  /** Waits for what the first host says while it lasts. */
  expect(stage: TunnelStage): Promise<void>;
}

/** Deletes rows; they come back with the end, those that somebody has made anew excepted. */
const losing =
  (table: string, key: string, where: string): TunnelFault['strike'] =>
  async ({ sql }) => {
    await sql(`create table kept as select * from ${table}; delete from ${table} where ${where}`);
    return async () => {
      const isMissing = `not exists (select 1 from ${table} t where t.${key} = kept.${key})`;
      await sql(`insert into ${table} select * from kept where ${isMissing}; drop table kept`);
    };
  };

/** Only the first host's agent works meanwhile: the others would put their own rows right. */
const withOthersStopped =
  (strike: TunnelFault['strike']): TunnelFault['strike'] =>
  async (stage) => {
    const [, ...others] = stage.hosts;
    for (const { agent } of others) agent().signal('SIGSTOP');
    const end = await strike(stage);
    return async () => {
      await end();
      for (const { agent } of others) agent().signal('SIGCONT');
    };
  };

/** The row of the second host in agents says another end, see `withOthersStopped`. */
const ending = (address: (stage: TunnelStage) => string): TunnelFault['strike'] =>
  withOthersStopped(async (stage) => {
    const { sql, hosts } = stage;
    const [, { local }] = hosts;
    const [from, to] = [`"tunneling_ip":"${local}"`, `"tunneling_ip":"${address(stage)}"`];
    const change = (old: string, now: string): string =>
      `update agents set configurations = replace(configurations, '${old}', '${now}') where host = 'host2'`;
    await sql(change(from, to));
    return async () => void (await sql(change(to, from)));
  });

const heldAtFirst: TunnelFault['expect'] = async ({ says, hosts }) => void (await says(hosts[0], HELD));

const warned =
  (code: string): TunnelFault['expect'] =>
  async ({ warns, hosts }) =>
    warns(hosts[0], code);

export const TUNNEL_FAULTS: readonly TunnelFault[] = [
  {
    name: 'table agents empty',
    strike: withOthersStopped(losing('agents', 'id', '1 = 1')),
    expect: warned('VTEP_UNKNOWN'),
  },
  {
    name: 'table agents half restored',
    strike: withOthersStopped(losing('agents', 'id', "host = 'host2'")),
    expect: warned('VTEP_UNKNOWN'),
  },
  {
    name: 'levels of bindings half gone',
    strike: losing('ml2_port_binding_levels', 'port_id', "host <> 'host1'"),
    expect: heldAtFirst,
  },
  {
    name: 'table of levels empty',
    strike: losing('ml2_port_binding_levels', 'port_id', '1 = 1'),
    expect: heldAtFirst,
  },
  {
    name: 'an older dump, without the ports of one host and with older heartbeats',
    strike: async (stage) => {
      const end = await losing('ml2_port_binding_levels', 'port_id', "host = 'host2'")(stage);
      await stage.sql("update agents set heartbeat_timestamp = '2020-01-01 00:00:00'");
      return end;
    },
    expect: warned('DATABASE_WENT_BACK'),
  },
  {
    name: 'two hosts with one tunneling_ip',
    strike: ending(({ hosts }) => hosts[2].local),
    expect: warned('VTEP_DUPLICATE'),
  },
  {
    name: 'own address listed as the end of another host',
    strike: ending(({ hosts }) => hosts[0].local),
    expect: warned('VTEP_DUPLICATE'),
  },
  {
    name: 'an end of the other family',
    strike: ending(() => '2001:db8::2'),
    expect: warned('VTEP_UNKNOWN'),
  },
  {
    name: 'the database away for an hour',
    strike: async (stage) => {
      await stage.database.server.stop();
      await stage.says(stage.hosts[0], LOST);
      stage.forward(3_600);
      return async () => {
        await stage.database.server.start();
        await stage.says(stage.hosts[0], BACK);
      };
    },
    expect: async () => {},
  },
];
