import type { Operation, OperationKind, OperationOf } from '../model/operation.js';
import { IFF_UP, IFLA, RTM } from './constants.js';
import { findLink, type Host, presentLink } from './host.js';
import { type BareLink, linkHeader } from './links.js';
import {
  attribute,
  macAttribute,
  nestedAttribute,
  type Request,
  textAttribute,
  u32Attribute,
} from './message.js';
import { Refused } from './refused.js';

/** One request that changes a link; `what` as in `could not …`. */
export interface Change {
  readonly request: Request;
  readonly what: string;
}

/** The operations that only change attributes of a link that is there. */
const CHANGES = [
  'set-label',
  'set-mac',
  'set-mtu',
  'set-bridge-options',
  'set-up',
  'attach',
  'detach',
] as const satisfies readonly OperationKind[];

export type ChangeOperation = OperationOf<(typeof CHANGES)[number]>;

const KINDS: ReadonlySet<OperationKind> = new Set(CHANGES);
export const isChange = (operation: Operation): operation is ChangeOperation => KINDS.has(operation.op);

/** The requests of one operation, for the link as it is at this moment; none when it is so already. Throws Refused. */
export function changesOf(host: Host, operation: ChangeOperation): Change[] {
  switch (operation.op) {
    case 'set-label':
      return setLabel(host, operation);
    case 'set-mac':
      return setMac(host, operation);
    case 'set-mtu':
      return setMtu(host, operation);
    case 'set-bridge-options':
      return setBridgeOptions(host, operation);
    case 'set-up':
      return setUp(host, operation);
    case 'attach':
      return attach(host, operation);
    case 'detach':
      return detach(host, operation);
  }
}

const change = ({ index }: BareLink, what: string, ...attributes: Buffer[]): Change => ({
  request: { type: RTM.newLink, flags: 0, body: Buffer.concat([linkHeader(index), ...attributes]) },
  what,
});

/** The label is a request of its own: the kernel ignores IFLA_IFALIAS when it makes a link. */
function setLabel(host: Host, op: OperationOf<'set-label'>): Change[] {
  const link = presentLink(host, op.target);
  if (link.alias === op.label) return [];
  return [change(link, `label ${link.name}`, attribute(IFLA.alias, Buffer.from(op.label)))];
}

/**
 * Set also when it is the same already: a bridge that was given its address keeps it, one that chose it does
 * not.
 */
function setMac(host: Host, op: OperationOf<'set-mac'>): Change[] {
  const link = presentLink(host, op.target);
  return [
    change(link, `set the MAC address of ${link.name} to ${op.mac}`, macAttribute(IFLA.address, op.mac)),
  ];
}

function setMtu(host: Host, op: OperationOf<'set-mtu'>): Change[] {
  const link = presentLink(host, op.target);
  if (link.mtu === op.mtu) return [];
  return [change(link, `set the MTU of ${link.name} to ${op.mtu}`, u32Attribute(IFLA.mtu, op.mtu))];
}

/**
 * STP off, forward delay 0: a tap forwards at once. Two requests, since with STP on the kernel refuses the
 * delay (ERANGE).
 */
function setBridgeOptions(host: Host, op: OperationOf<'set-bridge-options'>): Change[] {
  const link = presentBridge(host, op.target);
  return [IFLA.bridgeStpState, IFLA.bridgeForwardDelay].map((option) => {
    const data = nestedAttribute(IFLA.infoData, u32Attribute(option, 0));
    const info = nestedAttribute(IFLA.linkInfo, textAttribute(IFLA.infoKind, 'bridge'), data);
    return change(link, `set the options of ${link.name}`, info);
  });
}

function setUp(host: Host, op: OperationOf<'set-up'>): Change[] {
  const link = presentLink(host, op.target);
  if (link.up) return [];
  const request = { type: RTM.newLink, flags: 0, body: linkHeader(link.index, IFF_UP, IFF_UP) };
  return [{ request, what: `set ${link.name} up` }];
}

/**
 * A link that is enslaved elsewhere is never taken away: netlink would do it without a word. Throws Refused.
 */
function attach(host: Host, op: OperationOf<'attach'>): Change[] {
  const link = presentLink(host, op.target);
  const bridge = presentBridge(host, op.bridge);
  if (link.master === bridge.index) return [];
  if (link.master !== null) throw new Refused('EBUSY', `${link.name} is a port of another bridge.`);
  return [change(link, `attach ${link.name} to ${bridge.name}`, u32Attribute(IFLA.master, bridge.index))];
}

/** A link that is gone, or in no bridge, or in another one by now, is left as it is. */
function detach(host: Host, op: OperationOf<'detach'>): Change[] {
  const link = findLink(host, op.target);
  const bridge = op.bridge.index ?? host.made.get(op.bridge.name);
  if (link === null || link.master === null || link.master !== bridge) return [];
  return [change(link, `detach ${link.name} from ${op.bridge.name}`, u32Attribute(IFLA.master, 0))];
}

function presentBridge(host: Host, ref: OperationOf<'attach'>['bridge']): BareLink {
  const link = presentLink(host, ref);
  if (link.detail.kind !== 'bridge') throw new Refused('ENODEV', `${link.name} is no bridge.`);
  return link;
}
