import { Gauge, type Registry } from 'prom-client';
import { type AgentStatus, NETWORK_STATES, TAP_STATES, WARNINGS } from '../model/index.js';

/** Every metric of this program begins so. */
export const NAME = 'quantum_linuxbridge_';

/** How the host stands: what the daemon's metrics and the textfile of `once` have in common. */
export type Standing = Pick<AgentStatus, 'taps' | 'networks' | 'held' | 'warnings'> & {
  readonly lastPass: Pick<NonNullable<AgentStatus['lastPass']>, 'pending' | 'failed' | 'inSync'> | null;
};

const gauge = <Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelName?: Label,
): Gauge<Label> =>
  new Gauge<Label>({
    name: `${NAME}${name}`,
    help,
    labelNames: labelName === undefined ? [] : [labelName],
    registers: [registry],
  });

/** Gauges of how the host stands, all at 0 until they are set. */
export function standingGauges(registry: Registry): (standing: Standing) => void {
  const taps = gauge(registry, 'taps', 'Taps on this host, by state.', 'state');
  const networks = gauge(registry, 'networks', 'Networks with a tap or a bridge here, by state.', 'state');
  const warnings = gauge(registry, 'warnings', 'Warnings that are in force, by code.', 'code');
  const held = gauge(registry, 'held_removals', 'Removals that the guard holds back.');
  const pending = gauge(
    registry,
    'pending_operations',
    'Operations that the last pass left to be made, apart from what is held.',
  );
  const failed = gauge(registry, 'failed_operations', 'Operations that failed in the last pass.');
  const inSync = gauge(registry, 'in_sync', 'Whether nothing was left to change after the last pass.');
  const set = (standing: Standing): void => {
    const codes = standing.warnings.map(({ code }) => code);
    setAll(taps, 'state', TAP_STATES, statesOf(standing.taps));
    setAll(networks, 'state', NETWORK_STATES, statesOf(standing.networks));
    setAll(warnings, 'code', Object.keys(WARNINGS), codes);
    held.set(standing.held.length);
    pending.set(standing.lastPass?.pending ?? 0);
    failed.set(standing.lastPass?.failed ?? 0);
    inSync.set(standing.lastPass?.inSync === true ? 1 : 0);
  };
  set({ taps: [], networks: [], held: [], warnings: [], lastPass: null });
  return set;
}

/** The gauges of the running agent. */
export function gaugesOf(registry: Registry): { set(status: AgentStatus): void } {
  const setStanding = standingGauges(registry);
  const up = gauge(registry, 'database_up', 'Whether the database answered the last poll.');
  const lastPoll = gauge(
    registry,
    'last_successful_poll_timestamp_seconds',
    'When the database answered last, since the epoch; 0: never.',
  );
  const lastPass = gauge(
    registry,
    'last_pass_timestamp_seconds',
    'When the last pass ended, since the epoch.',
  );
  const late = gauge(registry, 'loop_delay_seconds', 'How far the loop is behind its own schedule.');
  return {
    set: (status) => {
      setStanding(status);
      up.set(status.database.state === 'up' ? 1 : 0);
      lastPoll.set((status.database.lastGoodPollAtMs ?? 0) / 1000);
      lastPass.set((status.lastPass?.atMs ?? 0) / 1000);
      late.set(status.lateMs / 1000);
    },
  };
}

const statesOf = (items: readonly { readonly state: string }[]): readonly string[] =>
  items.map(({ state }) => state);

/** Counts each of the values that there may be. */
function setAll<Label extends string>(
  target: Gauge<Label>,
  label: Label,
  values: readonly string[],
  found: readonly string[],
): void {
  const counts = new Map(values.map((value) => [value, 0]));
  for (const value of found) counts.set(value, (counts.get(value) ?? 0) + 1);
  for (const [value, count] of counts) target.set({ [label]: value } as Record<Label, string>, count);
}
