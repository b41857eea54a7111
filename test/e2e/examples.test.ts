import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PROGRAM } from '../support/host/agent.js';
import { HANG_LIMIT_MS } from '../support/limit.js';

/** The examples in etc/ that call the program, and that copy from one another. */
const example = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../etc/${path}`, import.meta.url)), 'utf8');

const ONCE_UNIT = 'systemd/quantum-linuxbridge-agent-once.service';
const HARDENING =
  /^(Protect|Private|Restrict|Lock|SystemCall|Capability|Ambient|NoNew|Remove|Keyring|UMask|Dynamic|State|IPAddress|Proc)\w*=.*$/gm;

/** What the help of a command offers, with the program's own options. */
const helpOf = (command: string): string =>
  [['--help'], [command, '--help']]
    .map(
      (args) =>
        spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', timeout: HANG_LIMIT_MS }).stdout,
    )
    .join('\n');

const CALLS: readonly (readonly [string, string, RegExp])[] = [
  ['cron.d/quantum-linuxbridge-agent', 'once', /root quantum-linuxbridge-agent (.*)$/m],
  [ONCE_UNIT, 'once', /^ExecStart=quantum-linuxbridge-agent (.*)$/m],
  ['icinga2/quantum-linuxbridge-agent.conf', 'check', /arguments = \{([\s\S]*?)\n {2}\}/],
];
for (const [path, command, call] of CALLS) {
  test(`etc/${path} calls ${command} with options that it has`, () => {
    const options = call.exec(example(path))?.[1]?.match(/--[a-z-]+/g) ?? [];
    const help = helpOf(command);
    assert.ok(options.length > 0);
    for (const option of options) assert.match(help, new RegExp(`${option}\\b`), option);
  });
}

test('a single pass from the timer is as confined as the daemon', () => {
  const daemon = example('systemd/quantum-linuxbridge-agent.service').match(HARDENING) ?? [];
  const once = new Set(example(ONCE_UNIT).match(HARDENING));
  assert.ok(daemon.length > 20);
  assert.deepEqual(
    daemon.filter((line) => !once.has(line)),
    [],
  );
});
