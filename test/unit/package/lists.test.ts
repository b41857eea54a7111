import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commandTree } from '../../../etc/package/command-tree.js';
import { bashCompletion } from '../../../etc/package/completion.js';
import { manPage } from '../../../etc/package/man-page.js';
import { environmentName, flagOf, SETTING_NAMES } from '../../../src/config/schema.js';
import { EXIT } from '../../../src/model/index.js';
import { HANG_LIMIT_MS } from '../../support/limit.js';

const manual = readFileSync(new URL('../../../etc/README.md', import.meta.url), 'utf8');
/** As a reader sees it, and as `grep` finds it. */
const page = manPage('1.2.3', '2026-01-02', manual)
  .replace(/\\f[A-Z]/g, '')
  .replaceAll('\\-', '-');

test('the man page has every command, option, setting, variable and exit code', () => {
  for (const { usage, commands, options } of commandTree()) {
    if (commands.length === 0) assert.ok(page.includes(`\n${usage}\n`), usage);
    for (const { term, isSetting, flags } of options)
      assert.ok(isSetting || flags.includes('--help') || page.includes(`\n${term}\n`), term);
  }
  for (const name of SETTING_NAMES) {
    assert.match(page, new RegExp(`^${flagOf(name)} `, 'm'));
    assert.ok(page.includes(environmentName(name)), name);
  }
  const table = page.slice(page.indexOf('.SH EXIT STATUS'));
  for (const code of Object.values(EXIT)) assert.ok(table.includes(`T{\n${code}\nT}`), `${code}`);
});

test('no line of the man page is taken for a request that is none', () => {
  const requests = new Set([...page.matchAll(/^[.'](\S+)/gm)].map(([, request]) => request));
  const known = ['\\"', 'TH', 'SH', 'TP', 'RS', 'RE', 'PP', 'B', 'BR', 'br', 'na', 'ad', 'TS', 'TE'];
  assert.deepEqual(
    [...requests].filter((request) => !known.includes(request ?? '')),
    [],
  );
});

/** What bash offers for the last of these words. */
function offered(...words: readonly string[]): string[] {
  const script = `${bashCompletion()}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_quantum_linuxbridge_agent
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync(
    'bash',
    ['--norc', '-c', script, 'bash', 'quantum-linuxbridge-agent', ...words],
    {
      encoding: 'utf8',
      timeout: HANG_LIMIT_MS,
    },
  );
  assert.equal(stderr, '');
  return stdout.split('\n').filter((word) => word !== '');
}

test('bash completes commands, also behind an option with its value, and those of a group', () => {
  assert.deepEqual(offered('sc'), ['schema']);
  assert.deepEqual(offered('--log-level', 'debug', '--json', 'st'), ['status']);
  assert.deepEqual(offered('schema', 'gr'), ['grants']);
});

test('bash completes the options of a command, the settings, and what may be written for them', () => {
  assert.deepEqual(offered('once', '--acc'), ['--accept-removals']);
  assert.deepEqual(offered('plan', '--acc'), []);
  assert.deepEqual(offered('plan', '--polling'), ['--polling-interval']);
  assert.deepEqual(offered('--log-format', ''), ['auto', 'json', 'pretty']);
  assert.deepEqual(offered('schema', 'sql', '--dialect', 'my'), ['mysql']);
  assert.deepEqual(offered('--sql-connection', ''), []);
});
