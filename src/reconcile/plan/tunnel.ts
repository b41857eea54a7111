import {
  entryKey,
  type ForwardingEntry,
  type Link,
  type LinkRef,
  labelOf,
  type NetworkId,
  type Operation,
  present,
} from '../../model/index.js';
import type { EntryChanges } from '../forwarding/decide-forwarding.js';
import { isOfFamilyOf, type Tunnel } from '../forwarding/resolve-tunnel.js';
import type { TunnelLink } from '../see/view.js';
import { NO_PART } from './context.js';

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
 * labelled, IPv6 off, MTU, flood list, and only then attached and up. One that is there, perhaps made by another agent, is taken
 * over without a lost frame.
 */
export function tunnelOperations(plan: TunnelPlan): Operation[] {
  const { tunnel, replaced } = plan;
  const { existing } = tunnel;
  return existing === null || replaced === null
    ? kept(plan, existing)
    : [...taken(plan, existing, replaced), ...kept(plan, null)];
}

const fieldsOf = ({ network, tunnel }: TunnelPlan) =>
  ({ device: tunnel.name, network, scope: 'network' }) as const;

const isInPlace = ({ bridge }: TunnelPlan, { master }: Link): boolean =>
  bridge.index !== null && master === bridge.index;

/** Its MAC entries are learned again; its flood list is that of the new one. */
function taken(plan: TunnelPlan, existing: Link, why: string): Operation[] {
  const target = present(existing);
  const fields = { ...fieldsOf(plan), target, reason: `is made again: ${why}` };
  return [
    ...(isInPlace(plan, existing) ? ([{ ...fields, op: 'detach', bridge: plan.bridge }] as const) : []),
    { ...fields, op: 'delete-vxlan' },
  ];
}

/** `existing`: null: it has to be made. */
function kept(plan: TunnelPlan, existing: TunnelLink | null): Operation[] {
  const { network, mtu, tunnel, bridge, changes } = plan;
  const { name, making } = tunnel;
  const target: LinkRef = existing === null ? { name, index: null } : present(existing);
  const fields = { ...fieldsOf(plan), target };
  const inPlace = existing !== null && isInPlace(plan, existing);
  const operations: Operation[] = [];
  if (existing === null) {
    const reason = `network ${network} has VNI ${making.vni}`;
    operations.push({ ...fieldsOf(plan), op: 'create-vxlan', making, reason });
  }
  if (existing?.alias !== labelOf(network)) {
    const reason = `marks the tunnel as the agent's`;
    operations.push({ ...fields, op: 'set-label', label: labelOf(network), reason });
  }
  if (existing === null || (!inPlace && existing.ipv6 !== null && !existing.ipv6.disabled)) {
    operations.push({ ...fields, op: 'disable-ipv6', reason: NO_PART });
  }
  if (existing === null || (mtu !== null && existing.mtu !== mtu)) {
    operations.push({ ...fields, op: 'set-mtu', mtu: tunnel.mtu, reason: mtuReason(plan) });
  }
  if (existing !== null) operations.push(...optionsOf(plan, existing));
  operations.push(...entries(plan, target, existing === null ? { add: changes.whole, remove: [] } : changes));
  if (!inPlace) operations.push({ ...fields, op: 'attach', bridge, reason: `uplink of network ${network}` });
  if (existing?.up !== true) operations.push({ ...fields, op: 'set-up', reason: 'the uplink is down' });
  return operations;
}

const mtuReason = ({ network, mtu, tunnel }: TunnelPlan): string =>
  mtu === null ? `${tunnel.mtu} is what the interface below leaves` : `network ${network} has MTU ${mtu}`;

function optionsOf(plan: TunnelPlan, existing: TunnelLink): Operation[] {
  const { local } = plan.tunnel.making;
  const { detail } = existing;
  if ((detail.learning && detail.local === local) || !isOfFamilyOf(detail, local)) return [];
  const reason = 'frames tell where a guest has moved, and come from local_ip';
  return [{ ...fieldsOf(plan), op: 'set-vxlan', target: present(existing), learning: true, local, reason }];
}

/** All changes of a tunnel's entries are one operation. */
function entries(
  plan: TunnelPlan,
  target: LinkRef,
  { add, remove }: Pick<EntryChanges, 'add' | 'remove'>,
): Operation[] {
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
