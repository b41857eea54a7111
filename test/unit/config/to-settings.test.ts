import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostDefaults } from '../../../src/config/host-defaults.js';
import { readSettings } from '../../../src/config/readings.js';
import { SETTING_NAMES } from '../../../src/config/schema.js';
import { toSettings } from '../../../src/config/to-settings.js';
import { DATABASE } from './support.js';

test('every setting of the list is read: none can be written without effect', () => {
  const environment = { ...DATABASE, QUANTUM_SQL_PASSWORD_FILE: '/etc/quantum/sql_password' };
  const { readings, values } = readSettings({ files: new Map(), environment, commandLine: new Map() });
  assert.ok(values);
  const read = new Set<string | symbol>();
  const watched = new Proxy(values, {
    get: (target, name, receiver) => {
      read.add(name);
      return Reflect.get(target, name, receiver);
    },
  });
  toSettings(watched, readings, hostDefaults({}, true));
  assert.deepEqual(
    SETTING_NAMES.filter((name) => !read.has(name)),
    [],
  );
});
