import { Gauge, type Registry } from 'prom-client';
import {
  type AgentStatus,
  type ForwardingStatus,
  NETWORK_STATES,
  TAP_STATES,
  WARNINGS,
} from '../model/index.js';

/** Every metric of this program begins so. */
export const NAME = 'quantum_linuxbridge_';

/** How the host stands: what the daemon's metrics and the textfile of `once` have in common. */
export type Standing = Pick<AgentStatus, 'taps' | 'networks' | 'forwarding' | 'held' | 'warnings'> & {
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
  const setForwarding = forwardingGauges(registry);
  const set = (standing: Standing): void => {
    const codes = standing.warnings.map(({ code }) => code);
    setAll(taps, 'state', TAP_STATES, statesOf(standing.taps));
    setAll(networks, 'state', NETWORK_STATES, statesOf(standing.networks));
    setAll(warnings, 'code', Object.keys(WARNINGS), codes);
    held.set(standing.held.length);
    pending.set(standing.lastPass?.pending ?? 0);
    failed.set(standing.lastPass?.failed ?? 0);
    inSync.set(standing.lastPass?.inSync === true ? 1 : 0);
    setForwarding(standing.forwarding);
  };
  set({ taps: [], networks: [], forwarding: NO_FORWARDING, held: [], warnings: [], lastPass: null });
  return set;
}

const NO_FORWARDING = { endpoints: 0, entries: 0, removalsPending: 0, hostsUnknown: 0 };

/** The tunnels of this host. */
function forwardingGauges(registry: Registry): (forwarding: ForwardingStatus) => void {
  const vteps = gauge(
    registry,
    'vteps',
    'Other ends of tunnels (VTEPs) that the database names for the networks here.',
  );
  const entries = gauge(registry, 'flood_entries', 'Entries in the flood lists of this host’s tunnels.');
  const pending = gauge(
    registry,
    'flood_removals_pending',
    'Entries that the database no longer asks for: they wait for further answers, or for a word.',
  );
  const unknown = gauge(
    registry,
    'vteps_unknown',
    'Hosts of networks here of which nobody knows where their tunnels end.',
  );
  return (forwarding) => {
    vteps.set(forwarding.endpoints);
    entries.set(forwarding.entries);
    pending.set(forwarding.removalsPending);
    unknown.set(forwarding.hostsUnknown);
  };
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
  const readAge = gauge(
    registry,
    'vxlan_read_age_seconds',
    'How long ago the database last said where the tunnels of this host lead to; 0 on a host without tunnels.',
  );
  const late = gauge(registry, 'loop_delay_seconds', 'How far the loop is behind its own schedule.');
  return {
    set: (status) => {
      setStanding(status);
      up.set(status.database.state === 'up' ? 1 : 0);
      lastPoll.set((status.database.lastGoodPollAtMs ?? 0) / 1000);
      lastPass.set((status.lastPass?.atMs ?? 0) / 1000);
      readAge.set(readAgeMs(status) / 1000);
      late.set(status.lateMs / 1000);
    },
  };
}

const readAgeMs = ({ networks, database, startedAtMs, nowMs }: AgentStatus): number =>
  networks.some(({ tunnel }) => tunnel !== null && tunnel.group === null)
    ? Math.max(0, nowMs - (database.lastGoodPollAtMs ?? startedAtMs))
    : 0;

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
