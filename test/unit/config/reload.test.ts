import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NAMES_READ_AT_START, type NameReadAtStart, reloaded } from '../../../src/config/reload.js';
import { DATABASE, loaded } from './support.js';

const read = (commandLine: Record<string, string>) => loaded({ environment: DATABASE, commandLine }).settings;

const AT_START: Readonly<Record<NameReadAtStart, string>> = {
  host: 'host1',
  state_dir: '/state1',
  run_dir: '/run1',
  control_group: '1',
  web_listen_address: '9001',
  web_host_names: 'one',
  log_format: 'json',
};
const CHANGED: Readonly<Record<NameReadAtStart, string>> = {
  host: 'host2',
  state_dir: '/state2',
  run_dir: '/run2',
  control_group: '2',
  web_listen_address: '9002',
  web_host_names: 'two',
  log_format: 'pretty',
};

test('what is read at the start keeps its value and is named, everything else is followed', () => {
  const running = read(AT_START);
  const { settings, waiting } = reloaded(running, read({ ...CHANGED, polling_interval: '7' }));
  assert.deepEqual(waiting, Object.keys(CHANGED));
  assert.equal(settings.pollingIntervalMs, 7000);
  assert.deepEqual([settings.host.host, settings.database.host], ['host1', 'host1']);
  assert.deepEqual(
    JSON.stringify({ ...settings, pollingIntervalMs: 0 }),
    JSON.stringify({ ...running, pollingIntervalMs: 0 }),
  );
});

test('settings that were not changed wait for nothing, also when they were read anew', () => {
  assert.deepEqual(reloaded(read(AT_START), read(AT_START)).waiting, []);
});

test('a change that waits is named at each reload until the agent is started again', () => {
  const once = reloaded(read(AT_START), read({ ...AT_START, host: 'host2' }));
  assert.deepEqual(reloaded(once.settings, read({ ...AT_START, host: 'host2' })).waiting, ['host']);
});

test('the manual names what a reload does not change', () => {
  const manual = readFileSync(new URL('../../../etc/README.md', import.meta.url), 'utf8');
  const [sentence = ''] = /^.*take effect at the next start/m.exec(manual) ?? [];
  const named = [...sentence.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  assert.deepEqual(named, [...NAMES_READ_AT_START]);
});
