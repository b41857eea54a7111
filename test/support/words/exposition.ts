import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AgentStatus,
  type Clock,
  linkName,
  networkId,
  type Observer,
  type PassReport,
  portId,
} from '../../../src/model/index.js';
import { startMetrics } from '../../../src/monitoring/metrics.js';
import { writeTextfile } from '../../../src/monitoring/textfile.js';

const AT_MS = 1_700_000_000_000;
const clock: Clock = { monotonicMs: () => 0, wallMs: () => AT_MS, after: () => () => {} };

const NETWORK = networkId('aaaaaaaa-1111-4222-8333-444455556666');
const PORT = portId('11111111-1111-4222-8333-444455556666');
const TAP = linkName('tap11111111-11');
const BRIDGE = linkName('brqaaaaaaaa-11');

/** A pass that attached one tap and was refused another. */
export const REPORT: PassReport = {
  pass: '1-1',
  trigger: 'poll',
  generation: 'folsom',
  inSync: false,
  pending: 1,
  operations: [
    {
      op: 'attach',
      device: TAP,
      reason: 'its port is on this network',
      network: NETWORK,
      port: PORT,
      scope: 'device',
      target: { name: TAP, index: null },
      bridge: { name: BRIDGE, index: null },
    },
  ],
  failed: [
    {
      ok: false,
      operation: {
        op: 'set-up',
        device: linkName('tap22222222-22'),
        reason: 'it is down',
        network: NETWORK,
        scope: 'device',
        target: { name: linkName('tap22222222-22'), index: null },
      },
      failure: { errno: 'EPERM', message: 'not permitted', worldChanged: false },
    },
  ],
  held: [],
  statuses: [],
  warnings: [{ code: 'PHYSICAL_NETWORK_UNMAPPED', message: 'no interface is mapped', network: NETWORK }],
  timings: { planMs: 2, applyMs: 30 },
};

/** The status after it. */
export const STATUS: AgentStatus = {
  host: 'host1',
  version: '1.2.3',
  startedAtMs: AT_MS,
  nowMs: AT_MS,
  lateMs: 1_500,
  generation: 'folsom',
  database: {
    state: 'up',
    sinceMs: AT_MS,
    lastGoodPollAtMs: AT_MS,
    server: 'server-1',
    error: null,
    failedPolls: 1,
  },
  lastPass: {
    pass: '1-1',
    trigger: 'poll',
    atMs: AT_MS,
    durationMs: 32,
    operations: 1,
    failed: 1,
    held: 0,
    pending: 1,
    inSync: false,
  },
  forwarding: { endpoints: 2, entries: 3, removalsPending: 1, hostsUnknown: 1 },
  networks: [
    {
      id: NETWORK,
      bridge: BRIDGE,
      segment: 'local',
      physicalNetwork: null,
      uplink: null,
      tunnel: null,
      state: 'served',
      warning: null,
    },
  ],
  taps: [{ tap: TAP, port: PORT, network: NETWORK, bridge: BRIDGE, state: 'wired', why: null }],
  held: [],
  warnings: REPORT.warnings,
  passes: [],
  changes: [],
};

/** The exposition of an agent to which this has happened; without what differs from machine to machine. */
export async function expositionAfter(
  status: AgentStatus,
  events: (tell: Observer) => void,
): Promise<string> {
  const metrics = startMetrics('1.2.3', clock, () => 0);
  events(metrics.observer);
  const text = await metrics.render(status);
  return text.replace(/node_version="[^"]*"/, 'node_version="v20"').replace(/^(process_\w+) .*$/gm, '$1 0');
}

/** What `once --textfile` writes after a good run. */
export async function textfileExposition(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'quantum-textfile-'));
  const path = join(folder, 'agent.prom');
  try {
    const { taps, networks, forwarding, held, warnings, lastPass } = STATUS;
    const standing = { taps, networks, forwarding, held, warnings, lastPass };
    await writeTextfile(path, { startedAtMs: AT_MS, durationMs: 250, exitCode: 0, standing });
    return readFileSync(path, 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A fresh agent's status, before anything has happened. */
export const FRESH: AgentStatus = {
  ...STATUS,
  lateMs: 0,
  generation: null,
  database: {
    state: 'not-asked-yet',
    sinceMs: AT_MS,
    lastGoodPollAtMs: null,
    server: null,
    error: null,
    failedPolls: 0,
  },
  lastPass: null,
  forwarding: { endpoints: 0, entries: 0, removalsPending: 0, hostsUnknown: 0 },
  networks: [],
  taps: [],
  warnings: [],
};
