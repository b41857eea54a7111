import type { TunnelMaking } from '../../model/forwarding.js';
import { ipBytes } from '../../model/ip-text.js';
import type { TunnelDetail } from '../../model/link.js';
import type { LinkRef, OperationOf } from '../../model/operation.js';
import { createLink, deleteLink } from '../link-operations.js';
import type { BareLink } from '../links.js';
import { IFLA, VXLAN } from '../netlink/constants.js';
import {
  attribute,
  nestedAttribute,
  type Request,
  textAttribute,
  u8Attribute,
  u16BigEndianAttribute,
  u32Attribute,
} from '../netlink/message.js';
import { expectDone, Refused } from '../netlink/refused.js';
import { REQUESTS_PER_EXCHANGE_MAX } from '../netlink/requests.js';
import { changeLink, findLink, type Host, presentLink } from '../operation-context.js';
import { addEntry, deleteEntry } from './entries.js';

/** A VXLAN device that is not up yet. */
export function createVxlan(host: Host, { device, making }: OperationOf<'create-vxlan'>): void {
  const underlay = making.multicast === null ? null : presentLink(host, making.multicast.underlay);
  const made = createLink(host, device, 'vxlan', makingData(making, underlay));
  if (made === null)
    throw new Refused('EOPNOTSUPP', 'This kernel cannot make links of kind vxlan: load its module.');
  const { detail } = made;
  if (detail.kind !== 'vxlan' || !isAsMade(detail, making, underlay)) {
    throw new Refused(
      'EEXIST',
      `${device} is there already and is not the tunnel of VNI ${making.vni} that was asked for.`,
    );
  }
  host.made.set(made.name, made.index);
}

const isAsMade = (
  found: TunnelDetail,
  { vni, port, local, multicast }: TunnelMaking,
  underlay: BareLink | null,
) =>
  found.vni === vni &&
  found.port === port &&
  found.local === local &&
  found.learning &&
  !found.proxy &&
  found.group === (multicast?.group ?? null) &&
  found.underlay === (underlay?.index ?? null);

/** What Neutron's devices have, and the port, which differs between kernels and releases when nobody says it. */
function makingData(making: TunnelMaking, underlay: BareLink | null): Buffer {
  const { vni, port, local, ttl, tos, sourcePorts, multicast } = making;
  return nestedAttribute(
    IFLA.infoData,
    u32Attribute(VXLAN.vni, vni),
    u16BigEndianAttribute(VXLAN.port, port),
    addressAttribute('local', local),
    u8Attribute(VXLAN.learning, 1),
    ...(ttl === null ? [] : [u8Attribute(VXLAN.ttl, ttl)]),
    ...(tos === null ? [] : [u8Attribute(VXLAN.tos, tos)]),
    ...(sourcePorts === null ? [] : [portRange(sourcePorts)]),
    ...(multicast === null ? [] : [addressAttribute('group', multicast.group)]),
    ...(underlay === null ? [] : [u32Attribute(VXLAN.link, underlay.index)]),
  );
}

/** IPv4 and IPv6 have attributes of their own. */
function addressAttribute(which: 'local' | 'group', address: string): Buffer {
  const bytes = ipBytes(address);
  const [ipv4, ipv6] = which === 'local' ? [VXLAN.local, VXLAN.local6] : [VXLAN.group, VXLAN.group6];
  return attribute(bytes.length === 4 ? ipv4 : ipv6, bytes);
}

function portRange({ min, max }: { readonly min: number; readonly max: number }): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(min, 0);
  bytes.writeUInt16BE(max, 2);
  return attribute(VXLAN.portRange, bytes);
}

export function setVxlan(host: Host, { target, learning, local }: OperationOf<'set-vxlan'>): void {
  const link = presentTunnel(host, target);
  const data = nestedAttribute(
    IFLA.infoData,
    addressAttribute('local', local),
    u8Attribute(VXLAN.learning, Number(learning)),
  );
  const info = nestedAttribute(IFLA.linkInfo, textAttribute(IFLA.infoKind, 'vxlan'), data);
  changeLink(host, link.index, `set the tunnel options of ${link.name}`, info);
  // The kernel announces those of a link that is down to nobody.
  host.refresh(link.index);
}

export function setForwarding(host: Host, { target, add, remove }: OperationOf<'set-forwarding'>): void {
  const { index, name } = presentTunnel(host, target);
  write(
    host,
    `add an entry of ${name}`,
    add.map((entry) => addEntry(index, entry)),
  );
  write(
    host,
    `delete an entry of ${name}`,
    remove.map((entry) => deleteEntry(index, entry)),
    'ENOENT',
  );
}

/** All of them are tried; the first that is refused is told. `fine`: what is so already. */
function write(host: Host, what: string, requests: readonly Request[], fine?: string): void {
  const answers = [];
  for (let at = 0; at < requests.length; at += REQUESTS_PER_EXCHANGE_MAX) {
    answers.push(...host.requests.exchange(requests.slice(at, at + REQUESTS_PER_EXCHANGE_MAX)));
  }
  const refused = answers.filter((answer) => !answer.ok && answer.errno !== fine);
  expectDone(refused[0], refused.length > 1 ? `${what} (${refused.length} were refused)` : what);
}

export function deleteVxlan(host: Host, { target }: OperationOf<'delete-vxlan'>): void {
  const link = findLink(host, target);
  if (link === null) return;
  if (link.detail.kind !== 'vxlan') throw new Refused('ENODEV', `${link.name} is no tunnel.`);
  deleteLink(host, link);
}

function presentTunnel(host: Host, target: LinkRef): BareLink {
  const link = presentLink(host, target);
  if (link.detail.kind !== 'vxlan') throw new Refused('ENODEV', `${link.name} is no tunnel.`);
  return link;
}
