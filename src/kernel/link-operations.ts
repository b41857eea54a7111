import type { Ipv6Settings } from '../model/link.js';
import { networkOfLabel } from '../model/names.js';
import type { LinkRef, OperationOf } from '../model/operation.js';
import { errorCodeOf, messageOf } from '../model/thrown.js';
import { addressesOn } from './carried.js';
import { ETHERTYPE, IFLA, NLM_F, RTM } from './constants.js';
import { findLink, type Host, linkNamed, presentLink } from './host.js';
import { type BareLink, decodeLink, dumpPorts, linkHeader } from './links.js';
import {
  macAttribute,
  nestedAttribute,
  textAttribute,
  u8Attribute,
  u16Attribute,
  u16BigEndianAttribute,
  u32Attribute,
} from './message.js';
import { expectDone, Refused } from './refused.js';
import { writeIpv6Settings } from './sysctl.js';

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
    create(host, op.device, 'bridge', bridgeData(vlanFiltering), macAttribute(IFLA.address, op.mac));
  if (op.vlanFiltering && !host.lacking.has('vlan-filtering')) {
    const made = make(true);
    if (made !== null) return made;
    host.lacking.add('vlan-filtering');
  }
  const made = make(false);
  if (made === null) throw unsupportedKind('bridge');
  return made;
}

/** STP off, forward delay 0; VLAN filtering is off unless it is asked for. */
function bridgeData(vlanFiltering: boolean): Buffer {
  return nestedAttribute(
    IFLA.infoData,
    u32Attribute(IFLA.bridgeForwardDelay, 0),
    u32Attribute(IFLA.bridgeStpState, 0),
    ...(vlanFiltering ? [u8Attribute(IFLA.bridgeVlanFiltering, 1)] : []),
  );
}

/** A VLAN subinterface (802.1Q) on a physical interface, not up yet. */
export function createSubinterface(host: Host, op: OperationOf<'create-subinterface'>): void {
  const parent = presentLink(host, op.parent);
  const data = nestedAttribute(
    IFLA.infoData,
    u16Attribute(IFLA.vlanId, op.vlanId),
    u16BigEndianAttribute(IFLA.vlanProtocol, ETHERTYPE.vlan),
  );
  const made = create(host, op.device, 'vlan', data, u32Attribute(IFLA.link, parent.index));
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
function create(
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

function deleteLink(host: Host, link: BareLink): void {
  const [answer] = host.requests.exchange([{ type: RTM.delLink, flags: 0, body: linkHeader(link.index) }]);
  if (answer?.ok === false && answer.errno === 'ENODEV') return;
  expectDone(answer, `delete ${link.name}`);
}

/** Nothing that a guest sends may give the host an IPv6 address or a route. */
export const disableIpv6 = (host: Host, op: OperationOf<'disable-ipv6'>): void =>
  writeIpv6(host, op.target, { disabled: true });

export const setIpv6 = (host: Host, op: OperationOf<'set-ipv6'>): void =>
  writeIpv6(host, op.target, op.settings);

function writeIpv6(host: Host, target: LinkRef, wanted: Partial<Ipv6Settings>): void {
  const link = presentLink(host, target);
  try {
    writeIpv6Settings(link.name, wanted);
  } catch (error) {
    const code = errorCodeOf(error);
    // A link with an MTU below 1280 has no IPv6, and so no settings: there is nothing to disable.
    if (code === 'ENOENT' && link.ipv6 === null) return;
    throw new Refused(
      code ?? 'EIO',
      `Could not write the IPv6 settings of ${link.name}: ${messageOf(error)}.`,
    );
  } finally {
    host.refresh(link.index);
  }
}
