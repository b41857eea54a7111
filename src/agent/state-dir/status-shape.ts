import * as v from 'valibot';
import {
  type AgentStatus,
  ENDPOINT_STATES,
  NETWORK_STATES,
  OPERATION_KINDS,
  TAP_STATES,
  WARNINGS,
  type WarningCode,
} from '../../model/index.js';
import type { Shape } from './foreign.js';
import { LINK_NAME, NETWORK_ID, PHYSICAL_NETWORK, PORT_ID } from './shapes.js';

const WARNING_CODE = v.custom<WarningCode>(
  (code) => typeof code === 'string' && Object.hasOwn(WARNINGS, code),
);

const WARNING = v.object({
  code: WARNING_CODE,
  message: v.string(),
  port: v.exactOptional(PORT_ID),
  network: v.exactOptional(NETWORK_ID),
  device: v.exactOptional(LINK_NAME),
});

const DATABASE = v.object({
  state: v.picklist(['up', 'down', 'not-asked-yet']),
  sinceMs: v.number(),
  lastGoodPollAtMs: v.nullable(v.number()),
  server: v.nullable(v.string()),
  error: v.nullable(v.string()),
  failedPolls: v.number(),
});

const PASS = v.object({
  pass: v.string(),
  trigger: v.picklist(['poll', 'kernel', 'command']),
  atMs: v.number(),
  durationMs: v.number(),
  operations: v.number(),
  failed: v.number(),
  held: v.number(),
  pending: v.number(),
  inSync: v.boolean(),
});

const ENDPOINT_COUNTS = v.object({
  unknown: v.number(),
  missing: v.number(),
  held: v.number(),
  leaving: v.number(),
  listed: v.number(),
});

const ENDPOINT = v.object({
  endpoint: v.nullable(v.string()),
  hosts: v.array(v.string()),
  state: v.picklist(ENDPOINT_STATES),
  sinceMs: v.nullable(v.number()),
  why: v.nullable(v.string()),
});

const TUNNEL = v.object({
  device: LINK_NAME,
  vni: v.number(),
  local: v.string(),
  port: v.number(),
  mtu: v.number(),
  group: v.nullable(v.string()),
  isRead: v.boolean(),
  counts: ENDPOINT_COUNTS,
  endpoints: v.array(ENDPOINT),
});

const FORWARDING = v.object({
  endpoints: v.number(),
  entries: v.number(),
  removalsPending: v.number(),
  hostsUnknown: v.number(),
});

const NETWORK = v.object({
  id: NETWORK_ID,
  bridge: v.nullable(LINK_NAME),
  segment: v.nullable(v.string()),
  physicalNetwork: v.nullable(PHYSICAL_NETWORK),
  uplink: v.nullable(LINK_NAME),
  tunnel: v.nullable(TUNNEL),
  state: v.picklist(NETWORK_STATES),
  warning: v.nullable(WARNING),
});

const TAP = v.object({
  tap: LINK_NAME,
  port: v.nullable(PORT_ID),
  network: v.nullable(NETWORK_ID),
  bridge: v.nullable(LINK_NAME),
  state: v.picklist(TAP_STATES),
  why: v.nullable(v.string()),
});

const HELD = v.object({
  key: v.string(),
  device: LINK_NAME,
  taps: v.number(),
  text: v.string(),
  reason: v.string(),
});

const CHANGE = v.object({
  atMs: v.number(),
  pass: v.string(),
  op: v.picklist(OPERATION_KINDS),
  device: LINK_NAME,
  network: v.nullable(NETWORK_ID),
  port: v.nullable(PORT_ID),
  reason: v.string(),
  error: v.nullable(v.string()),
});

/** The status of a running agent, as it comes over its control socket. */
export const AGENT_STATUS: Shape<AgentStatus> = v.object({
  host: v.string(),
  version: v.string(),
  startedAtMs: v.number(),
  nowMs: v.number(),
  lateMs: v.number(),
  generation: v.nullable(v.string()),
  database: DATABASE,
  lastPass: v.nullable(PASS),
  networks: v.array(NETWORK),
  forwarding: FORWARDING,
  taps: v.array(TAP),
  held: v.array(HELD),
  warnings: v.array(WARNING),
  passes: v.array(PASS),
  changes: v.array(CHANGE),
});
