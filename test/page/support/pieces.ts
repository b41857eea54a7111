import {
  type Change,
  type EndpointStatus,
  linkName,
  type NetworkStatus,
  networkId,
  type PassSummary,
  physicalNetwork,
  portId,
  type TapStatus,
} from '../../../src/model/index.js';

/** The pieces that the hosts of these tests are made of. */

export const NOW_MS = Date.UTC(2013, 9, 17, 14, 3, 22);

/** Ids that look like UUIDs: the first group counts, so that names of devices differ. */
export const uuid = (number: number, tail = '4c1a-b7d0-9f1e5a77c0de'): string =>
  `${((number * 2_654_435_761) % 0xffffffff).toString(16).padStart(8, '0')}-${(4096 + number).toString(16).slice(-4)}-${tail}`;

export function network(number: number, changes: Partial<NetworkStatus> = {}): NetworkStatus {
  const id = networkId(uuid(number));
  return {
    id,
    bridge: linkName(`brq${id.slice(0, 11)}`),
    segment: `VLAN ${100 + number} on eth1`,
    physicalNetwork: physicalNetwork('physnet1'),
    uplink: linkName(`eth1.${100 + number}`),
    tunnel: null,
    state: 'served',
    warning: null,
    ...changes,
  };
}

export function endpoint(number: number, changes: Partial<EndpointStatus> = {}): EndpointStatus {
  const since = NOW_MS - number * 3_600_000;
  return {
    endpoint: `192.0.2.${number}`,
    hosts: [`compute-${number}.example.org`],
    state: 'listed',
    sinceMs: since,
    why: null,
    ...changes,
  };
}

/** A network behind a tunnel to these. */
export function tunnelled(number: number, endpoints: readonly EndpointStatus[]): NetworkStatus {
  const device = linkName(`vxlan-${1_000 + number}`);
  const counts = { unknown: 0, missing: 0, held: 0, leaving: 0, listed: 0 };
  for (const { state } of endpoints) counts[state] += 1;
  return network(number, {
    segment: `VXLAN ${1_000 + number} on ${device}`,
    physicalNetwork: null,
    uplink: device,
    tunnel: {
      device,
      vni: 1_000 + number,
      local: '192.0.2.17',
      port: 8472,
      mtu: 1450,
      group: null,
      isRead: true,
      counts,
      endpoints,
    },
  });
}

export function tap(number: number, home: NetworkStatus | null, changes: Partial<TapStatus> = {}): TapStatus {
  const id = uuid(10_000 + number);
  return {
    tap: linkName(`tap${id.slice(0, 11)}`),
    port: portId(id),
    network: home?.id ?? null,
    bridge: home?.bridge ?? null,
    state: 'wired',
    why: null,
    ...changes,
  };
}

export const pass = (number: number, changes: Partial<PassSummary> = {}): PassSummary => ({
  pass: `4711-${number}`,
  trigger: 'poll',
  atMs: NOW_MS - number * 47_000,
  durationMs: 3.2,
  operations: 0,
  failed: 0,
  held: 0,
  pending: 0,
  inSync: true,
  ...changes,
});

export const change = (number: number, changes: Partial<Change>): Change => ({
  atMs: NOW_MS - number * 47_000,
  pass: `4711-${number}`,
  op: 'attach',
  device: linkName('tap0'),
  network: null,
  port: null,
  reason: 'port is up in the database',
  error: null,
  ...changes,
});
