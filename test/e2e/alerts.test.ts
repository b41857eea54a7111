import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { realClock } from '../../src/agent/clock.js';
import { startMetrics } from '../../src/monitoring/metrics.js';
import { writeTextfile } from '../../src/monitoring/textfile.js';
import { wellHost } from '../page/support/hosts.js';
import { privateFolder } from '../support/databases/servers.js';
import { HANG_LIMIT_MS } from '../support/limit.js';

const RULES = fileURLToPath(
  new URL('../../etc/prometheus/quantum-linuxbridge-agent.rules.yml', import.meta.url),
);
const DASHBOARD = fileURLToPath(new URL('../../etc/grafana/quantum-linuxbridge-agent.json', import.meta.url));

/** One alert: a series in promtool's notation (a sample a minute), when it must still be silent, when it must fire. */
interface Case {
  readonly alert: string;
  readonly series: Readonly<Record<string, string>>;
  readonly silentAt: string;
  readonly firesAt: string;
}

const one = (alert: string, name: string, values: string, silentAt: string, firesAt: string): Case => ({
  alert: `Quantum${alert}`,
  series: { [name.includes('{') ? name : `quantum_linuxbridge_${name}{instance="c1"}`]: values },
  silentAt,
  firesAt,
});

const CASES: readonly Case[] = [
  one('LinuxbridgeAgentDown', 'up{job="quantum-linuxbridge-agent", instance="c1"}', '0x30', '4m', '6m'),
  one('LinuxbridgeLoopStuck', 'loop_delay_seconds', '45x30', '0m', '2m'),
  {
    alert: 'QuantumLinuxbridgeFleetWithoutDatabase',
    series: Object.fromEntries(
      ['c1', 'c2', 'c3'].map((host) => [
        `quantum_linuxbridge_database_up{instance="${host}"}`,
        host === 'c3' ? '1x30' : '1x5 0x25',
      ]),
    ),
    silentAt: '5m',
    firesAt: '8m',
  },
  one('LinuxbridgeDatabaseDown', 'database_up', '0x30', '4m', '6m'),
  one('LinuxbridgeNoGoodPoll', 'last_successful_poll_timestamp_seconds', '60x60', '15m', '17m'),
  one('LinuxbridgeOperationsFail', 'failed_operations', '2x30', '4m', '6m'),
  one(
    'LinuxbridgePortsNotWired',
    'quantum_linuxbridge_taps{instance="c1", state="blocked"}',
    '1x30',
    '4m',
    '6m',
  ),
  one('LinuxbridgeRemovalsHeld', 'held_removals', '3x30', '4m', '6m'),
  one('LinuxbridgeDrift', 'pending_operations', '1x30', '9m', '11m'),
  one(
    'LinuxbridgeRepairsUndone',
    'quantum_linuxbridge_warnings{instance="c1", code="REPAIR_UNDONE"}',
    '1x30',
    '4m',
    '6m',
  ),
  one('LinuxbridgeEndpointsUnknown', 'vteps_unknown', '2x30', '9m', '11m'),
  one(
    'LinuxbridgeEndpointsShared',
    'quantum_linuxbridge_warnings{instance="c1", code="VTEP_DUPLICATE"}',
    '1x30',
    '4m',
    '6m',
  ),
  one(
    'LinuxbridgeTunnelFramesTooLarge',
    'quantum_linuxbridge_warnings{instance="c1", code="VXLAN_MTU_TOO_SMALL"}',
    '1x30',
    '4m',
    '6m',
  ),
  one('LinuxbridgeStatusesNotWritten', 'status_write_failures_total', '0x10 1+1x20', '10m', '18m'),
  one('LinuxbridgeKernelUnreadable', 'kernel_failures_total', '0x10 1+1x20', '10m', '18m'),
  one('LinuxbridgeReloadRefused', 'reload_failures_total', '0x5 1x20', '4m', '8m'),
  one('LinuxbridgeAgentFaulty', 'panics_total', '0x5 1x20', '4m', '8m'),
  one('LinuxbridgeLogLinesDropped', 'log_lines_dropped_total', '0x5 7x20', '4m', '8m'),
  one('LinuxbridgeOnceMissing', 'once_last_run_timestamp_seconds', '60x60', '15m', '17m'),
  one('LinuxbridgeOnceFails', 'once_exit_code', '75x30', '9m', '11m'),
];

function promtool(...args: string[]): void {
  const ran = spawnSync('promtool', args, { encoding: 'utf8', timeout: HANG_LIMIT_MS });
  assert.equal(ran.status, 0, `${ran.error?.message ?? ''}${ran.stdout}${ran.stderr}`);
}

/** What promtool reads is YAML, of which JSON is a part. */
function runRuleTests(cases: readonly object[]): void {
  const file = join(privateFolder('alerts'), 'alerts.yml');
  writeFileSync(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: '1m', tests: cases }));
  promtool('test', 'rules', file);
}

const inputSeries = (series: Readonly<Record<string, string>>): object[] =>
  Object.entries(series).map(([name, values]) => ({ series: name, values }));

test('the alert rules are well formed', () => promtool('check', 'rules', RULES));

test('there is a case for each alert', () => {
  const alerts = [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  assert.deepEqual(CASES.map(({ alert }) => alert).sort(), alerts.sort());
});

for (const { alert, series, silentAt, firesAt } of CASES) {
  test(`${alert} fires for what it is there for, and not before its time`, () => {
    const firing = (at: string, times: number): object => ({
      expr: `count(ALERTS{alertname="${alert}", alertstate="firing"}) or vector(0)`,
      eval_time: at,
      exp_samples: [{ labels: '{}', value: times }],
    });
    runRuleTests([
      {
        interval: '1m',
        input_series: inputSeries(series),
        promql_expr_test: [firing(silentAt, 0), firing(firesAt, 1)],
      },
    ]);
  });
}

test('a host that is well, with every metric there is, gives no alert', async () => {
  const names = [...(await exposition()).matchAll(/^(\w+(?:\{[^}]*\})?) (\S+)$/gm)];
  const series = Object.fromEntries(
    names.map(([, name = '', value = '']) => [
      name.includes('{') ? name.replace('{', '{instance="c1",') : `${name}{instance="c1"}`,
      name.includes('timestamp') ? '0+60x30' : `${Number(value)}x30`,
    ]),
  );
  const everything = { ...series, 'up{job="quantum-linuxbridge-agent", instance="c1"}': '1x30' };
  runRuleTests([
    {
      interval: '1m',
      input_series: inputSeries(everything),
      promql_expr_test: [{ expr: 'ALERTS{alertstate="firing"}', eval_time: '25m', exp_samples: [] }],
    },
  ]);
});

test('alerts and dashboard use only metrics that the agent or once gives', async () => {
  const given = await exposition();
  const used = new Set(
    [readFileSync(RULES, 'utf8'), readFileSync(DASHBOARD, 'utf8')].flatMap((text) =>
      [...text.matchAll(/\bquantum_linuxbridge_\w+/g)].map(([name]) => name),
    ),
  );
  assert.ok(used.size > 15);
  for (const name of used) assert.match(given, new RegExp(`^${name}[ {]`, 'm'), `${name} is not given`);
});

test('every expression of the dashboard is one that Prometheus understands', () => {
  const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  assert.ok(expressions.length > 15);
  const rules = expressions.map((expr, at) => ({
    record: `panel:expression:${at}`,
    expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
  }));
  const file = join(privateFolder('dashboard'), 'rules.yml');
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  promtool('check', 'rules', '--lint=none', file);
});

/** Everything the agent and `once` tell of a host that is well. */
async function exposition(): Promise<string> {
  const status = wellHost();
  const textfile = join(privateFolder('textfile'), 'once.prom');
  await writeTextfile(textfile, { startedAtMs: 0, durationMs: 10, exitCode: 0, standing: status });
  const metrics = await startMetrics('0.1.0', realClock, () => 0).render(status);
  return `${metrics}${readFileSync(textfile, 'utf8').replace(/^(?!.*once_).*\n/gm, '')}`;
}
