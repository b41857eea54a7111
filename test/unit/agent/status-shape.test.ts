import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { askAgent, type ControlAnswer, serveControl } from '../../../src/agent/control.js';
import { AGENT_STATUS } from '../../../src/agent/state-dir/status-shape.js';
import type { AgentStatus } from '../../../src/model/index.js';

const STATUS = {
  host: 'host1',
  version: '0.0.9',
  startedAtMs: 1,
  nowMs: 2,
  lateMs: 0,
  generation: null,
  database: {
    state: 'not-asked-yet',
    sinceMs: 1,
    lastGoodPollAtMs: null,
    server: null,
    error: null,
    failedPolls: 0,
  },
  lastPass: null,
  networks: [],
  forwarding: { endpoints: 0, entries: 0, removalsPending: 0, hostsUnknown: 0 },
  taps: [],
  held: [],
  warnings: [],
  passes: [],
  changes: [],
} as const;

/** Asks an agent that gives this status. */
async function asked(t: TestContext, status: object): Promise<ControlAnswer<AgentStatus>> {
  const runDir = mkdtempSync(join(tmpdir(), 'qlb-control-'));
  const server = await serveControl(runDir, null, { status: () => status }, (error) => assert.ifError(error));
  t.after(async () => {
    await server.release();
    rmSync(runDir, { recursive: true });
  });
  return askAgent(runDir, { command: 'status', answer: AGENT_STATUS });
}

test('what an agent of a later version tells besides is left out of its status', async (t) => {
  const answer = await asked(t, { ...STATUS, fingerprint: 'a1b2', database: { ...STATUS.database, lag: 3 } });
  assert.deepEqual(answer, { kind: 'answer', value: STATUS });
});

for (const [what, status, wrong] of [
  ['lacks a list', { ...STATUS, taps: undefined }, 'value.taps is not "taps"'],
  [
    'has a state that is no word here',
    {
      ...STATUS,
      taps: [{ tap: 'tap1', port: null, network: null, bridge: null, state: 'mirrored', why: null }],
    },
    'value.taps.0.state is not ',
  ],
  ['has a number where a text belongs', { ...STATUS, host: 7 }, 'value.host is not string'],
] as const)
  test(`a status of another version that ${what} is told as one, with that version`, async (t) => {
    const answer = await asked(t, status);
    assert.equal(answer.kind, 'misunderstood');
    const message = answer.kind === 'misunderstood' ? answer.message : '';
    assert.ok(message.includes(wrong), message);
    assert.match(message, /\(version 0\.0\.9\).*start the agent again/);
  });
