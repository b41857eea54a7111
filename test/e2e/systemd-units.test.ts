import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { command } from '../support/host/netns.js';

const UNITS = ['quantum-linuxbridge-agent.service', 'quantum-linuxbridge-agent-once.service'] as const;
const EXPOSURE_MAX = 2.0;

for (const unit of UNITS) {
  test(`systemd rates the exposure of ${unit} below ${EXPOSURE_MAX}`, () => {
    const path = fileURLToPath(new URL(`../../etc/systemd/${unit}`, import.meta.url));
    const printed = command('systemd-analyze', 'security', '--offline=true', '--no-pager', path);
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(printed)?.[1]);
    assert.ok(exposure < EXPOSURE_MAX, `${exposure}`);
  });
}

test('systemctl reload needs no program that a small host lacks: SIGHUP is sent where there is no kill', async (t) => {
  const path = fileURLToPath(new URL(`../../etc/systemd/${UNITS[0]}`, import.meta.url));
  const line = /^ExecReload=(.*)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
  const waiting = spawn('sleep', ['60']);
  t.after(() => void waiting.kill());
  const ended = once(waiting, 'exit');
  // As systemd runs it: the variable is in its environment, and in its words where it is one of them.
  const words = line.replaceAll(' $MAINPID', ` ${waiting.pid}`);
  const hidden =
    'for each in /bin/kill /usr/bin/kill; do [ ! -e $each ] || mount --bind /dev/null $each; done';
  command('unshare', '--mount', 'env', `MAINPID=${waiting.pid}`, 'sh', '-c', `${hidden}; ${words}`);
  assert.deepEqual(await ended, [null, 'SIGHUP']);
});
