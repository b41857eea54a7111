import {
  entryKey,
  type ForwardingEntry,
  type Link,
  type LinkRef,
  labelOf,
  type NetworkId,
  type Operation,
} from '../../model/index.js';
import { isOfFamilyOf, type Tunnel } from './resolve-tunnel.js';

/** What one pass does to the entries of a tunnel. */
export interface EntryChanges {
  readonly add: readonly ForwardingEntry[];
  readonly remove: readonly ForwardingEntry[];
  /** All that is there afterwards. */
  readonly whole: readonly ForwardingEntry[];
}

export interface TunnelPlan {
  readonly network: NetworkId;
  /** What the network's own rows say; null: nothing, and what is there keeps its own. */
  readonly mtu: number | null;
  readonly tunnel: Tunnel;
  readonly bridge: LinkRef;
  readonly changes: EntryChanges;
  /** Why the one that is there makes way for a new one; null: it stays. */
  readonly replaced: string | null;
}

/**
 * The tunnel of one network, in an order in which it is whole before the first frame of a guest goes through it: made,
 * labelled, IPv6 off, MTU, flood list, and only then attached and up.
 */
export function tunnelOperations(plan: TunnelPlan): Operation[] {
  const { tunnel, replaced } = plan;
  const { existing } = tunnel;
  if (existing === null) return made(plan);
  return replaced === null ? corrected(plan, existing) : [...taken(plan, existing, replaced), ...made(plan)];
}

const present = ({ name, index }: Link): LinkRef => ({ name, index });

const fieldsOf = ({ network, tunnel }: TunnelPlan) =>
  ({ device: tunnel.name, network, scope: 'network' }) as const;

/** Its MAC entries are learned again; its flood list is that of the new one. */
function made(plan: TunnelPlan): Operation[] {
  const { network, tunnel, bridge, changes } = plan;
  const { name, making, mtu } = tunnel;
  const target: LinkRef = { name, index: null };
  const fields = fieldsOf(plan);
  return [
    { ...fields, op: 'create-vxlan', making, reason: `network ${network} has VNI ${making.vni}` },
    {
      ...fields,
      op: 'set-label',
      target,
      label: labelOf(network),
      reason: `marks the tunnel as the agent's`,
    },
    { ...fields, op: 'disable-ipv6', target, reason: 'the host takes no part in a network of guests' },
    { ...fields, op: 'set-mtu', target, mtu, reason: mtuReason(plan) },
    ...entries(plan, target, { ...changes, add: changes.whole, remove: [] }),
    { ...fields, op: 'attach', target, bridge, reason: `uplink of network ${network}` },
    { ...fields, op: 'set-up', target, reason: 'the uplink is down' },
  ];
}

const mtuReason = ({ network, mtu, tunnel }: TunnelPlan): string =>
  mtu === null ? `${tunnel.mtu} is what the interface below leaves` : `network ${network} has MTU ${mtu}`;

function taken(plan: TunnelPlan, existing: Link, why: string): Operation[] {
  const { bridge } = plan;
  const target = present(existing);
  const fields = fieldsOf(plan);
  const reason = `is made again: ${why}`;
  const isInPlace = bridge.index !== null && existing.master === bridge.index;
  return [
    ...(isInPlace ? ([{ ...fields, op: 'detach', target, bridge, reason }] as const) : []),
    { ...fields, op: 'delete-vxlan', target, reason },
  ];
}

/** One that is there, perhaps made by another agent, is taken over without a lost frame. */
function corrected(plan: TunnelPlan, existing: Link): Operation[] {
  const { network, mtu, tunnel, bridge, changes } = plan;
  const target = present(existing);
  const fields = fieldsOf(plan);
  const { local } = tunnel.making;
  const { detail } = existing;
  const isInPlace = bridge.index !== null && existing.master === bridge.index;
  const operations: Operation[] = [];
  if (existing.alias !== labelOf(network)) {
    operations.push({
      ...fields,
      op: 'set-label',
      target,
      label: labelOf(network),
      reason: `marks the tunnel as the agent's`,
    });
  }
  if (!isInPlace && existing.ipv6 !== null && !existing.ipv6.disabled) {
    operations.push({
      ...fields,
      op: 'disable-ipv6',
      target,
      reason: 'the host takes no part in a network of guests',
    });
  }
  if (mtu !== null && existing.mtu !== mtu) {
    operations.push({ ...fields, op: 'set-mtu', target, mtu, reason: mtuReason(plan) });
  }
  const isSet = detail.kind !== 'vxlan' || (detail.learning && detail.local === local);
  if (!isSet && isOfFamilyOf(detail, local)) {
    const reason = 'frames tell where a guest has moved, and come from local_ip';
    operations.push({ ...fields, op: 'set-vxlan', target, learning: true, local, reason });
  }
  operations.push(...entries(plan, target, changes));
  if (!isInPlace)
    operations.push({ ...fields, op: 'attach', target, bridge, reason: `uplink of network ${network}` });
  if (!existing.up) operations.push({ ...fields, op: 'set-up', target, reason: 'the uplink is down' });
  return operations;
}

/** All changes of a tunnel's entries are one operation. */
function entries(plan: TunnelPlan, target: LinkRef, { add, remove }: EntryChanges): Operation[] {
  if (add.length === 0 && remove.length === 0) return [];
  const unique = new Map([...remove].map((entry) => [entryKey(entry), entry]));
  const reason = [
    ...(add.length === 0 ? [] : [`${add.length} to add (${whom(add)})`]),
    ...(unique.size === 0 ? [] : [`${unique.size} to delete (${whom([...unique.values()])})`]),
  ].join(', ');
  return [
    {
      ...fieldsOf(plan),
      // The taps are wired all the same.
      scope: 'device',
      op: 'set-forwarding',
      target,
      add,
      remove: [...unique.values()],
      reason: `the hosts of network ${plan.network}: ${reason}`,
    },
  ];
}

/** Of a long list the log is told the first ones. */
const NAMED_MAX = 3;

function whom(entries: readonly ForwardingEntry[]): string {
  const endpoints = [...new Set(entries.map(({ endpoint }) => endpoint))];
  const named = endpoints.slice(0, NAMED_MAX).join(', ');
  return endpoints.length > NAMED_MAX ? `${named}, …` : named;
}
