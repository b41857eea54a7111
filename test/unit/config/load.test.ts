import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFiles } from '../../../src/config/files.js';
import { hostDefaults } from '../../../src/config/host-defaults.js';
import { type LoadResult, loadSettings, loadSettingsWithoutPassword } from '../../../src/config/load.js';
import { describeOrigin, describeProblem } from '../../../src/config/problem.js';
import { commandLineOptions, SETTING_NAMES } from '../../../src/config/schema.js';
import { DatabaseError } from '../../../src/model/database.js';
import { DATABASE, file, folder, loaded, problems } from './support.js';

const SECRET = 'S3CRET-pass#word';
const CONNECTION = `[DATABASE]\nsql_connection = mysql://u:${SECRET}@h/d\n`;
const passwordOf = (given: Parameters<typeof loaded>[0]) =>
  loaded(given).settings.database.servers[0].password();

test('without any word from the user every legacy default stays', () => {
  const { settings, files, warnings } = loaded({ environment: DATABASE });
  const { host, guard, database, stateDir, runDir, ...rest } = settings;
  assert.deepEqual(rest, {
    pollingIntervalMs: 2000,
    reconnectIntervalMs: 2000,
    sqlMaxRetries: -1,
    firewallDriver: null,
    knownPortRetentionMs: 3_600_000,
    lastKnownGoodMaxAgeMs: 86_400_000,
    logLevel: 'info',
    logFormat: 'auto',
    webListenAddress: null,
    webHostNames: [],
    controlGroup: null,
  });
  assert.deepEqual(host, {
    host: hostname(),
    physicalInterfaces: new Map(),
    bridgeMappings: new Map(),
    dropTaggedFrames: true,
    dropSwitchFrames: true,
    flatAddressMove: 'move',
    plugGraceMs: 2000,
    tunnels: {
      local: null,
      port: 8472,
      ttl: null,
      tos: null,
      sourcePorts: null,
      multicast: { ranges: [], base: { group: '224.0.0.1', prefixLength: 32 } },
    },
  });
  assert.deepEqual(guard, { maxRemovals: null, windowMs: 600_000, release: 'operator' });
  assert.deepEqual(
    [database.connectTimeoutMs, database.queryTimeoutMs, database.readOnly],
    [5000, 5000, false],
  );
  assert.ok(stateDir.startsWith('/') && runDir.startsWith('/'));
  assert.deepEqual([files, warnings], [[], []]);
});

test('a later file wins over an earlier one, the environment over files, the command line over all', (t) => {
  const first = file(
    t,
    `${CONNECTION}[AGENT]\npolling_interval = 3\nplug_grace = 3\nlog_level = warn\nmax_removals = 3\n`,
  );
  const second = file(t, '[AGENT]\nplug_grace = 4\nlog_level = error\nmax_removals = 4\n', 'second.ini');
  const { settings, entries } = loaded({
    files: [first, second],
    environment: { QUANTUM_LOG_LEVEL: 'fatal', QUANTUM_MAX_REMOVALS: '5' },
    commandLine: { max_removals: '6' },
  });
  assert.deepEqual(
    [settings.pollingIntervalMs, settings.host.plugGraceMs, settings.logLevel, settings.guard.maxRemovals],
    [3000, 4000, 'fatal', 6],
  );
  const from = new Map(entries.map(({ name, origin }) => [name, describeOrigin(origin)]));
  assert.equal(from.get('polling_interval'), `${first}:4`);
  assert.equal(from.get('plug_grace'), `${second}:2`);
  assert.equal(from.get('log_level'), 'environment QUANTUM_LOG_LEVEL');
  assert.equal(from.get('max_removals'), 'command line --max-removals');
  assert.equal(from.get('reconnect_interval'), 'default');
});

test('an empty environment variable counts as unset, an unknown one is warned of', () => {
  const { settings, warnings } = loaded({
    environment: { ...DATABASE, QUANTUM_POLLING_INTERVAL: '', QUANTUM_POLING_INTERVAL: '9' },
  });
  assert.equal(settings.pollingIntervalMs, 2000);
  assert.match(warnings[0]?.message ?? '', /QUANTUM_POLING_INTERVAL.*QUANTUM_POLLING_INTERVAL/);
});

test('every wrong value is reported with its place and what to write instead, from all sources at once', (t) => {
  const path = file(
    t,
    '[DATABASE]\nsql_connection = oracle://u:p@h/d\nread_only = perhaps\n[AGENT]\npolling_interval = 0\nbroken\n',
  );
  const found = problems({
    files: [path, '/nonexistent/file.ini'],
    environment: { QUANTUM_LOG_LEVEL: 'loud', QUANTUM_STATE_DIR: 'var' },
    commandLine: { max_removals: '-1', plug_grace: 'soon', colour: 'red' },
  });
  const lines = found.map(describeProblem).sort();
  for (const [line, pattern] of [
    ['broken', /linuxbridge_conf\.ini:6: this line is neither/],
    ['file', /--config-file: \/nonexistent\/file\.ini does not exist\. Name a file/],
    ['sql_connection', /ini:2: sql_connection begins with oracle:\/\/.*Write mysql:/],
    ['read_only', /ini:3: read_only is neither true nor false: value was "perhaps"\. Write true or false\./],
    ['polling_interval', /ini:5: polling_interval is not between 10ms and 168h.*Write seconds/],
    ['log_level', /environment QUANTUM_LOG_LEVEL: log_level is not one of trace/],
    ['state_dir', /environment QUANTUM_STATE_DIR: state_dir is not an absolute path/],
    ['max_removals', /command line --max-removals: max_removals is not between 0 and 1000000.*or auto/],
    ['plug_grace', /command line --plug-grace: plug_grace is not a length of time/],
    ['colour', /command line --colour: colour is not a known setting/],
  ] as const)
    assert.equal(lines.filter((text) => pattern.test(text)).length, 1, `${line} in\n${lines.join('\n')}`);
  assert.equal(lines.length, 10);
});

test('a missing database is one problem, and a misspelt key that explains it comes along', (t) => {
  const result = loadSettings({
    files: [file(t, '[DATABASE]\nsql_conection = mysql://u:p@h/d\n')],
    conventional: [],
    commandLine: {},
    environment: {},
  });
  assert.ok(!result.ok);
  assert.deepEqual(
    result.problems.map(({ setting }) => setting),
    ['sql_connection'],
  );
  assert.match(result.warnings[0]?.message ?? '', /nearest one is sql_connection/);
});

test('a named file that cannot be read is the only problem: it may name the database', () => {
  const found = problems({ files: ['/nonexistent/file.ini'], environment: {} });
  assert.deepEqual(
    found.map(({ setting }) => setting),
    ['/nonexistent/file.ini'],
  );
});

test('a folder given as a file is a problem, not a crash', (t) => {
  const [problem] = problems({ files: [folder(t)], environment: DATABASE });
  assert.match(problem?.wrong ?? '', /cannot be read \(it is no regular file\)/);
});

test('of the conventional files the first that is there is read; none being there is fine', (t) => {
  const path = file(t, CONNECTION);
  assert.deepEqual(readFiles([], ['/nonexistent/a.ini', path, file(t, 'nonsense')]).files, [path]);
  assert.deepEqual(readFiles([], ['/nonexistent/a.ini']).problems, []);
  const places = { conventional: ['/nonexistent/a.ini', path] };
  assert.deepEqual(loaded(places).files, [path]);
  const [nowhere] = problems({ conventional: ['/nonexistent/a.ini'] });
  assert.match(
    nowhere?.wrong ?? '',
    /no configuration file sets anything \(looked for \/nonexistent\/a\.ini\)/,
  );
});

test('the password is in no entry, warning, problem nor in the settings as JSON', (t) => {
  const path = file(t, `${CONNECTION.trimEnd()}?foo=${SECRET}&password=${SECRET}\n`);
  assert.doesNotMatch(JSON.stringify(loaded({ files: [path] })), /S3CRET/);
  assert.equal(passwordOf({ files: [path] }), SECRET);
  for (const broken of [
    `mysql:/u:${SECRET}@h/d`,
    `mysql://u:${SECRET}@h`,
    `mysql://u:${SECRET}@h:x/d`,
    SECRET,
  ])
    assert.doesNotMatch(
      JSON.stringify(problems({ environment: { QUANTUM_SQL_CONNECTION: broken } })),
      /S3CRET/,
    );
});

test('a password file is read again at each call, and only its last line end is taken off', (t) => {
  const path = file(t, ' first \n\n', 'password');
  const { settings } = loaded({ environment: { ...DATABASE, QUANTUM_SQL_PASSWORD_FILE: path } });
  const [server] = settings.database.servers;
  assert.equal(server.password(), ' first \n');
  writeFileSync(path, 'second');
  assert.equal(server.password(), 'second');
  rmSync(path);
  assert.throws(
    server.password,
    (error) => error instanceof DatabaseError && error.kind === 'authentication',
  );
});

test('a password file that cannot be read is a problem that names the file', () => {
  const [problem] = problems({
    environment: { ...DATABASE, QUANTUM_SQL_PASSWORD_FILE: '/nonexistent/password' },
  });
  assert.match(
    problem ? describeProblem(problem) : '',
    /sql_password_file .*\/nonexistent\/password cannot be read \(ENOENT\)/,
  );
});

test('who asks the running agent alone needs no password: its file is not opened, every other problem is told', () => {
  const environment = { ...DATABASE, QUANTUM_SQL_PASSWORD_FILE: '/nonexistent/password' };
  const ask = (commandLine: Record<string, string>): LoadResult =>
    loadSettingsWithoutPassword({ files: [], conventional: [], commandLine, environment });
  const result = ask({});
  assert.ok(result.ok);
  assert.throws(
    result.loaded.settings.database.servers[0].password,
    /\/nonexistent\/password cannot be read/,
  );
  const wrong = ask({ plug_grace: 'soon' });
  assert.deepEqual(wrong.ok ? [] : wrong.problems.map(({ setting }) => setting), ['plug_grace']);
});

test('the password comes from the strongest place: URL in a file, password file, credential, environment, command line', (t) => {
  const inFile = file(t, 'from password file', 'password');
  const credentials = folder(t);
  const ini = file(t, CONNECTION);
  const withFile = file(t, `${CONNECTION}sql_password_file = ${inFile}\n`);
  const credential = { CREDENTIALS_DIRECTORY: credentials };
  const url = { QUANTUM_SQL_CONNECTION: 'mysql://u:from-environment@h/d' };
  const commandLine = { sql_connection: 'mysql://u:from-command-line@h/d' };

  assert.equal(passwordOf({ files: [ini] }), SECRET);
  assert.equal(passwordOf({ files: [withFile] }), 'from password file');
  assert.equal(passwordOf({ files: [withFile], environment: credential }), 'from password file');
  writeFileSync(join(credentials, 'sql_password'), 'from credential');
  assert.equal(passwordOf({ files: [withFile], environment: credential }), 'from credential');
  assert.equal(passwordOf({ files: [withFile], environment: { ...credential, ...url } }), 'from-environment');
  assert.equal(
    passwordOf({ environment: { ...url, QUANTUM_SQL_PASSWORD_FILE: inFile } }),
    'from password file',
  );
  assert.equal(
    passwordOf({ files: [withFile], environment: { ...credential, ...url }, commandLine }),
    'from-command-line',
  );
});

test('the connect_timeout of the URL counts where the setting is not written', () => {
  const environment = { QUANTUM_SQL_CONNECTION: 'mysql://u:p@h/d?connect_timeout=30' };
  const { settings, entries } = loaded({ environment });
  assert.equal(settings.database.connectTimeoutMs, 30_000);
  assert.equal(entries.find(({ name }) => name === 'connect_timeout')?.value, '30000ms');
  assert.equal(
    loaded({ environment, commandLine: { connect_timeout: '1' } }).settings.database.connectTimeoutMs,
    1000,
  );
});

test('several URLs and several hosts of one URL are servers in order', () => {
  const environment = { QUANTUM_SQL_CONNECTION: 'postgresql://u:p@a:1,b:2/d,postgresql://u:p@c/d' };
  assert.deepEqual(
    loaded({ environment }).settings.database.servers.map(({ host, port }) => [host, port]),
    [
      ['a', 1],
      ['b', 2],
      ['c', null],
    ],
  );
});

test('the folders are those of systemd, else those of the system for root, else the XDG folders of the user', () => {
  const folders = (environment: Record<string, string>, isRoot: boolean) => {
    const { stateDir, runDir } = hostDefaults(environment, isRoot);
    return [stateDir, runDir];
  };
  const agent = 'quantum-linuxbridge-agent';
  assert.deepEqual(folders({}, true), [`/var/lib/${agent}`, `/run/${agent}`]);
  assert.deepEqual(folders({ STATE_DIRECTORY: '/s/a:/s/b', RUNTIME_DIRECTORY: '/r' }, false), ['/s/a', '/r']);
  assert.deepEqual(folders({ HOME: '/home/u' }, false), [
    `/home/u/.local/state/${agent}`,
    `/home/u/.local/state/${agent}/run`,
  ]);
  assert.deepEqual(folders({ HOME: '/h', XDG_STATE_HOME: '/x', XDG_RUNTIME_DIR: '/run/user/7' }, false), [
    `/x/${agent}`,
    `/run/user/7/${agent}`,
  ]);
});

test('every setting has one flag, one environment variable and one attribute of its own', () => {
  const options = commandLineOptions();
  assert.deepEqual(
    options.map(({ name }) => name),
    SETTING_NAMES,
  );
  const polling = options.find(({ name }) => name === 'polling_interval');
  assert.deepEqual(
    [polling?.flag, polling?.attribute, polling?.valueName],
    ['--polling-interval', 'pollingInterval', 'SECONDS'],
  );
  assert.equal(new Set(options.map(({ attribute }) => attribute)).size, SETTING_NAMES.length);
});

test('an unreadable conventional file is a problem, since it may hold what the user relies on', (t) => {
  const directory = join(folder(t), 'not-a-file');
  mkdirSync(directory);
  assert.match(readFiles([], [directory]).problems[0]?.wrong ?? '', /cannot be read/);
});
