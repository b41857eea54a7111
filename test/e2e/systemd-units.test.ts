import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { command } from '../support/netns.js';

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
