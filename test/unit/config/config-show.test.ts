import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configShow } from '../../../src/commands/config-show.js';
import { SETTING_NAMES } from '../../../src/config/schema.js';
import { file, loaded, recorder } from './support.js';

const TEXT = `[DATABASE]
sql_connection = mysql://quantum:S3CRET@database-of-the-cloud.example.org:3306/quantum_linux_bridge?charset=utf8
[LINUX_BRIDGE]
physical_interface_mappings = physnet1:eth1,
  physnet2:eth2
[AGENT]
root_helper = sudo
`;

test('config show prints every setting in at most 80 columns, with where it came from and no secret', (t) => {
  const path = file(t, TEXT);
  const { output, printed, complained } = recorder();
  const settings = loaded({ files: [path], environment: { QUANTUM_LOG_LEVEL: 'debug' } });
  assert.equal(configShow({ loaded: settings, json: false, output }), 0);
  const table = printed[0] ?? '';
  for (const line of table.split('\n')) assert.ok(line.length <= 80, line);
  for (const name of SETTING_NAMES) assert.match(table, new RegExp(`^${name} `, 'm'));
  assert.match(table, /^sql_connection +mysql:\/\/quantum:\*\*\*@datab +linuxbridge_conf\.ini:2$/m);
  assert.match(table, /^physical_interface_mappings +physnet1:eth1, physnet2:e +linuxbridge_conf\.ini:4$/m);
  assert.match(table, /^log_level +debug +environment QUANTUM_LOG_/m);
  assert.match(table, /^polling_interval +2 +default$/m);
  assert.doesNotMatch(printed.join(), /S3CRET/);
  assert.ok(printed[1]?.includes(path));
  assert.match(complained.join('\n'), /root_helper/);
});

test('config show --json prints one object with names, values, origins, files and warnings', (t) => {
  const path = file(t, TEXT);
  const { output, printed } = recorder();
  assert.equal(configShow({ loaded: loaded({ files: [path] }), json: true, output }), 0);
  const { settings, files, warnings } = JSON.parse(printed.join('\n'));
  assert.deepEqual(
    settings.map(({ name }: { name: string }) => name),
    SETTING_NAMES,
  );
  assert.deepEqual(settings[0], {
    name: 'sql_connection',
    value: 'mysql://quantum:***@database-of-the-cloud.example.org:3306/quantum_linux_bridge?charset=utf8',
    from: `${path}:2`,
  });
  assert.deepEqual(files, [path]);
  assert.equal(warnings[0].code, 'ROOT_HELPER_IGNORED');
});
