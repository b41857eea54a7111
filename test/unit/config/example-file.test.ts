import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CONVENTIONAL_FILES } from '../../../src/config/files.js';
import { parseIni } from '../../../src/config/ini.js';
import { environmentName, SETTING_NAMES, settingOf } from '../../../src/config/schema.js';
import { DATABASE, file, loaded, problems } from './support.js';

const EXAMPLE = readFileSync(new URL('../../../etc/quantum-linuxbridge-agent.ini', import.meta.url), 'utf8');
/** The example with every setting switched on: `#name = value` is a setting, `# text` a comment. */
const UNCOMMENTED = EXAMPLE.replace(/^#(?=\w+ =)/gm, '');

test('the example lists exactly the settings there are, each in its section, in the order of the schema', () => {
  const listed = parseIni(UNCOMMENTED).assignments.map(({ section, key }) => `${section}.${key}`);
  assert.deepEqual(
    listed,
    SETTING_NAMES.map((name) => `${settingOf(name).section}.${name}`),
  );
});

test('above each setting of the example stands its doc line', () => {
  for (const name of SETTING_NAMES)
    assert.ok(EXAMPLE.includes(`\n# ${settingOf(name).doc}\n#${name} =`), name);
});

test('the example as it is changes no default', (t) => {
  const { password: _, ...expected } = loaded({ environment: DATABASE }).settings.database.servers[0];
  const { settings, warnings, entries } = loaded({ files: [file(t, EXAMPLE)], environment: DATABASE });
  const { password: __, ...server } = settings.database.servers[0];
  assert.deepEqual(server, expected);
  assert.deepEqual(warnings, []);
  assert.deepEqual(entries, loaded({ environment: DATABASE }).entries);
});

test('what the example shows behind each # is the default, where there is one', (t) => {
  const withoutExamples = SETTING_NAMES.filter((name) => settingOf(name).default === null).reduce(
    (text, name) => text.replace(new RegExp(`^${name} =.*$`, 'm'), ''),
    UNCOMMENTED,
  );
  const { database, ...written } = loaded({
    files: [file(t, withoutExamples)],
    environment: DATABASE,
  }).settings;
  const { database: defaultDatabase, ...defaults } = loaded({ environment: DATABASE }).settings;
  assert.deepEqual(written, defaults);
  assert.deepEqual({ ...database, servers: [] }, { ...defaultDatabase, servers: [] });
});

test('the example names the conventional files and the environment form', () => {
  for (const path of CONVENTIONAL_FILES) assert.ok(EXAMPLE.includes(path), path);
  assert.ok(EXAMPLE.includes(environmentName('polling_interval')));
});

test('the example as the package brings it, all comments and headings, hides no file of an older agent', (t) => {
  const untouched = file(t, EXAMPLE);
  const old = file(t, '[DATABASE]\nsql_connection = mysql://quantum:secret@db/quantum\n');
  assert.deepEqual(loaded({ conventional: [untouched, old] }).files, [old]);
  const [nowhere] = problems({ conventional: [untouched] });
  assert.match(nowhere?.wrong ?? '', /no configuration file sets anything/);
});
