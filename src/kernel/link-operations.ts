import { FILTERED_GROUP, networkOfLabel } from '../model/names.js';
import type { LinkRef, OperationOf } from '../model/operation.js';
import { addressesOn } from './addresses/carried.js';
import { vlanFilteringOf } from './facts.js';
import { type BareLink, decodeLink, dumpPorts, linkHeader } from './links.js';
import { ETHERTYPE, IFF_UP, IFLA, NLM_F, RTM } from './netlink/constants.js';
import {
  attribute,
  nestedAttribute,
  textAttribute,
  u8Attribute,
  u16Attribute,
  u16BigEndianAttribute,
  u32Attribute,
} from './netlink/message.js';
import { expectDone, Refused } from './netlink/refused.js';
import { changeLink, findLink, type Host, linkNamed, presentLink } from './operation-context.js';

/**
 * A bridge that is not up yet, with the MAC address pinned: else it takes the lowest of its ports', which
 * come and go.
 */
export function createBridge(host: Host, op: OperationOf<'create-bridge'>): void {
  const made = makeBridge(host, op);
  const { detail } = made;
  const foreign = made.alias !== '' && networkOfLabel(made.alias) !== op.network;
  if (
    foreign ||
    detail.kind !== 'bridge' ||
    made.mac !== op.mac ||
    detail.stp ||
    detail.forwardDelayMs !== 0
  ) {
    throw new Refused('EEXIST', `${op.device} is there already and is not the bridge that was asked for.`);
  }
  // null: this kernel has no VLAN filtering.
  if (detail.vlanFiltering === !op.vlanFiltering) {
    throw new Refused('EEXIST', `${op.device} is there already with other VLAN filtering.`);
  }
  host.made.set(made.name, made.index);
}

/** With VLAN filtering where it is asked for and the kernel has it. */
function makeBridge(host: Host, op: OperationOf<'create-bridge'>): BareLink {
  const make = (vlanFiltering: boolean) =>
    createLink(
      host,
      op.device,
      'bridge',
      bridgeData(vlanFiltering),
      macAttribute(op.mac),
      u32Attribute(IFLA.group, FILTERED_GROUP),
    );
  if (op.vlanFiltering && !lacksVlanFiltering(host)) {
    const made = make(true);
    if (made !== null) return made;
    host.lacking.vlanFiltering = true;
  }
  const made = make(false);
  if (made === null) throw unsupportedKind('bridge');
  return made;
}

/** A bridge that is refused costs 30 ms; the kernel's configuration, where there is one, tells beforehand. */
function lacksVlanFiltering({ lacking }: Host): boolean {
  lacking.vlanFiltering ??= vlanFilteringOf() === false;
  return lacking.vlanFiltering;
}

/**
 * More MAC addresses than any network has behind one host. A guest that invents some would fill the host's memory with
 * them (200 octets each, kept for five minutes); what is not learned any more is flooded. Kernels before 6.7 know no bound, and
 * pass over this one.
 */
const MAC_ADDRESSES_MAX = 65_536;

/** STP off, forward delay 0; VLAN filtering is off unless it is asked for. */
function bridgeData(vlanFiltering: boolean): Buffer {
  return nestedAttribute(
    IFLA.infoData,
    u32Attribute(IFLA.bridgeForwardDelay, 0),
    u32Attribute(IFLA.bridgeStpState, 0),
    u32Attribute(IFLA.bridgeFdbMaxLearned, MAC_ADDRESSES_MAX),
    ...(vlanFiltering ? [u8Attribute(IFLA.bridgeVlanFiltering, 1)] : []),
  );
}

const macAttribute = (mac: string): Buffer =>
  attribute(IFLA.address, Buffer.from(mac.replaceAll(':', ''), 'hex'));

/** A VLAN subinterface (802.1Q) on a physical interface, not up yet. */
export function createSubinterface(host: Host, op: OperationOf<'create-subinterface'>): void {
  const parent = presentLink(host, op.parent);
  const data = nestedAttribute(
    IFLA.infoData,
    u16Attribute(IFLA.vlanId, op.vlanId),
    u16BigEndianAttribute(IFLA.vlanProtocol, ETHERTYPE.vlan),
  );
  const made = createLink(host, op.device, 'vlan', data, u32Attribute(IFLA.link, parent.index));
  if (made === null) throw unsupportedKind('vlan');
  const { detail } = made;
  const right =
    detail.kind === 'vlan' &&
    detail.parent === parent.index &&
    detail.vlanId === op.vlanId &&
    detail.protocol === '802.1Q';
  if (!right) {
    throw new Refused(
      'EEXIST',
      `${op.device} is there already and is not VLAN ${op.vlanId} of ${parent.name}.`,
    );
  }
  host.made.set(made.name, made.index);
}

/**
 * Makes a link and reads back what is there under its name, also when it was there before; null when the
 * kernel lacks the kind of link or an option of it. Throws Refused.
 */
export function createLink(
  host: Host,
  name: LinkRef['name'],
  kind: string,
  data: Buffer,
  ...attributes: Buffer[]
): BareLink | null {
  const body = Buffer.concat([
    linkHeader(0),
    textAttribute(IFLA.name, name),
    ...attributes,
    nestedAttribute(IFLA.linkInfo, textAttribute(IFLA.infoKind, kind), data),
  ]);
  const [answer] = host.requests.exchange([
    { type: RTM.newLink, flags: NLM_F.create | NLM_F.exclusive, body },
  ]);
  if (answer?.ok === false && answer.errno === 'EOPNOTSUPP') return null;
  const there = linkNamed(host, name);
  // EEXIST with nothing under that name: the VLAN id is taken by a link of another name.
  if (answer?.ok === false && (answer.errno !== 'EEXIST' || there === null))
    expectDone(answer, `make ${name}`);
  if (there === null) throw new Refused('ENODEV', `${name} was gone as soon as it was made.`);
  return there;
}

const unsupportedKind = (kind: string): Refused =>
  new Refused('EOPNOTSUPP', `This kernel cannot make links of kind ${kind}: load its module.`);

/** The label is a request of its own: the kernel ignores IFLA_IFALIAS when it makes a link. */
export function setLabel(host: Host, op: OperationOf<'set-label'>): void {
  const link = presentLink(host, op.target);
  if (link.alias === op.label) return;
  changeLink(host, link.index, `label ${link.name}`, attribute(IFLA.alias, Buffer.from(op.label)));
}

/**
 * Set also when it is the same already: a bridge that was given its address keeps it, one that chose it does
 * not.
 */
export function setMac(host: Host, op: OperationOf<'set-mac'>): void {
  const link = presentLink(host, op.target);
  changeLink(host, link.index, `set the MAC address of ${link.name} to ${op.mac}`, macAttribute(op.mac));
}

/** The kernel announces the group of a link that is down to nobody. */
export function setGroup(host: Host, op: OperationOf<'set-group'>): void {
  const link = presentLink(host, op.target);
  changeLink(
    host,
    link.index,
    `put ${link.name} into the device group ${op.group}`,
    u32Attribute(IFLA.group, op.group),
  );
  host.refresh(link.index);
}

export function setMtu(host: Host, op: OperationOf<'set-mtu'>): void {
  const link = presentLink(host, op.target);
  if (link.mtu === op.mtu) return;
  changeLink(host, link.index, `set the MTU of ${link.name} to ${op.mtu}`, u32Attribute(IFLA.mtu, op.mtu));
}

/**
 * STP off, forward delay 0: a tap forwards at once. Two requests, since with STP on the kernel refuses the
 * delay (ERANGE).
 */
export function setBridgeOptions(host: Host, op: OperationOf<'set-bridge-options'>): void {
  const link = presentBridge(host, op.target);
  const set = (option: number) => {
    const data = nestedAttribute(IFLA.infoData, u32Attribute(option, 0));
    const info = nestedAttribute(IFLA.linkInfo, textAttribute(IFLA.infoKind, 'bridge'), data);
    changeLink(host, link.index, `set the options of ${link.name}`, info);
  };
  set(IFLA.bridgeStpState);
  set(IFLA.bridgeForwardDelay);
}

export function setUp(host: Host, op: OperationOf<'set-up'>): void {
  const link = presentLink(host, op.target);
  if (link.up) return;
  const body = linkHeader(link.index, IFF_UP, IFF_UP);
  expectDone(host.requests.exchange([{ type: RTM.newLink, flags: 0, body }])[0], `set ${link.name} up`);
}

/**
 * A link that is enslaved elsewhere is never taken away: netlink would do it without a word. Throws Refused.
 */
export function attach(host: Host, op: OperationOf<'attach'>): void {
  const link = presentLink(host, op.target);
  const bridge = presentBridge(host, op.bridge);
  if (link.master === bridge.index) return;
  if (link.master !== null) throw new Refused('EBUSY', `${link.name} is a port of another bridge.`);
  changeLink(
    host,
    link.index,
    `attach ${link.name} to ${bridge.name}`,
    ...(op.group === undefined || op.group === link.group ? [] : [u32Attribute(IFLA.group, op.group)]),
    u32Attribute(IFLA.master, bridge.index),
  );
}

/** A link that is gone, or in no bridge, or in another one by now, is left as it is. */
export function detach(host: Host, op: OperationOf<'detach'>): void {
  const link = findLink(host, op.target);
  const bridge = op.bridge.index ?? host.made.get(op.bridge.name);
  if (link === null || link.master === null || link.master !== bridge) return;
  changeLink(
    host,
    link.index,
    `detach ${link.name} from ${op.bridge.name}`,
    u32Attribute(IFLA.master, 0),
    ...(link.group === FILTERED_GROUP ? [u32Attribute(IFLA.group, 0)] : []),
  );
}

function presentBridge(host: Host, ref: LinkRef): BareLink {
  const link = presentLink(host, ref);
  if (link.detail.kind !== 'bridge') throw new Refused('ENODEV', `${link.name} is no bridge.`);
  return link;
}

/**
 * Only an empty bridge is deleted: whatever came into it since the plan was made would lose its connection.
 */
export function deleteBridge(host: Host, op: OperationOf<'delete-bridge'>): void {
  const link = findLink(host, op.target);
  if (link === null) return;
  if (link.detail.kind !== 'bridge') throw new Refused('ENODEV', `${link.name} is no bridge.`);
  const port = host.requests
    .dump(dumpPorts(link.index), decodeLink)
    .find(({ master }) => master === link.index);
  if (port !== undefined) throw new Refused('EBUSY', `${link.name} has ${port.name} in it.`);
  const address = addressesOn(host.requests, link.index).find(({ scope }) => scope !== SCOPE_LINK);
  if (address !== undefined)
    throw new Refused('EBUSY', `${link.name} carries the address ${address.address}.`);
  deleteLink(host, link);
}

const SCOPE_LINK = 253;

export function deleteSubinterface(host: Host, op: OperationOf<'delete-subinterface'>): void {
  const link = findLink(host, op.target);
  if (link === null) return;
  if (link.detail.kind !== 'vlan') throw new Refused('ENODEV', `${link.name} is no VLAN subinterface.`);
  deleteLink(host, link);
}

/** One that is gone already is no error. */
export function deleteLink(host: Host, link: BareLink): void {
  const [answer] = host.requests.exchange([{ type: RTM.delLink, flags: 0, body: linkHeader(link.index) }]);
  if (answer?.ok === false && answer.errno === 'ENODEV') return;
  expectDone(answer, `delete ${link.name}`);
}
