import type { Ipv6Settings } from '../model/link.js';
import type { LinkRef, OperationOf } from '../model/operation.js';
import { errorCodeOf, messageOf } from '../model/thrown.js';
import { AF, IFLA, IPV4_DEVCONF } from './netlink/constants.js';
import { nestedAttribute, u32Attribute } from './netlink/message.js';
import { Refused } from './netlink/refused.js';
import { changeLink, type Host, presentLink } from './operation-context.js';
import { writeIpv6Settings } from './sysctl.js';

/** Nothing that a guest sends may give the host an IPv6 address or a route. */
export const disableIpv6 = (host: Host, op: OperationOf<'disable-ipv6'>): void =>
  writeIpv6(host, op.target, { disabled: true });

export const setIpv6 = (host: Host, op: OperationOf<'set-ipv6'>): void =>
  writeIpv6(host, op.target, op.settings);

/** In one request, which sets all of them or none. */
export function setIpv4(host: Host, { target, settings }: OperationOf<'set-ipv4'>): void {
  const link = presentLink(host, target);
  const { forwarding, rpFilter, arpIgnore } = settings;
  const conf = nestedAttribute(
    IFLA.inetConf,
    u32Attribute(IPV4_DEVCONF.forwarding, Number(forwarding)),
    u32Attribute(IPV4_DEVCONF.rpFilter, rpFilter),
    u32Attribute(IPV4_DEVCONF.arpIgnore, arpIgnore),
  );
  const spec = nestedAttribute(IFLA.afSpec, nestedAttribute(AF.inet, conf));
  try {
    changeLink(host, link.index, `set the IPv4 settings of ${link.name}`, spec);
  } finally {
    host.refresh(link.index);
  }
}

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
