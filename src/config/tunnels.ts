import type { TunnelSettings } from '../model/forwarding.js';
import { isIpv6 } from '../model/ip-text.js';
import type { Warning } from '../model/warning.js';
import { describeOrigin, type SettingProblem } from './problem.js';
import type { Readings } from './readings.js';
import type { Values } from './schema.js';

/** The TOS by which the kernel takes that of the frame inside. */
const TOS_INHERIT = 1;
/** DSCP is all of the TOS byte but its last two bits. */
const DSCP_SHIFT = 2;

/** How this host takes part in tunnels; null: not at all. */
export const tunnelSettings = (values: Values): TunnelSettings | null =>
  values.enable_vxlan
    ? {
        local: values.local_ip,
        port: values.udp_dstport,
        ttl: values.ttl,
        tos: tosOf(values),
        sourcePorts: sourcePortsOf(values),
        multicast: groupsOf(values),
      }
    : null;

const sourcePortsOf = ({
  udp_srcport_min: min,
  udp_srcport_max: max,
}: Values): TunnelSettings['sourcePorts'] => (max === 0 ? null : { min, max });

function tosOf({ tos, dscp, dscp_inherit }: Values): number | null {
  if (tos !== null) return tos;
  if (dscp_inherit) return TOS_INHERIT;
  return dscp === null ? null : dscp << DSCP_SHIFT;
}

/** Without `vxlan_group` Neutron's agent uses no groups either, whatever `multicast_ranges` says. */
const groupsOf = ({ l2_population, vxlan_group, multicast_ranges }: Values): TunnelSettings['multicast'] =>
  l2_population || vxlan_group === null ? null : { ranges: multicast_ranges, base: vxlan_group };

/** What no format shows: settings that do not go together. */
export function tunnelProblems(values: Values, readings: Readings): SettingProblem[] {
  const settings = tunnelSettings(values);
  if (settings === null) return [];
  return [...sourcePortProblems(values, readings), ...familyProblems(settings, readings)];
}

const sourcePortProblems = (
  { udp_srcport_min: min, udp_srcport_max: max }: Values,
  { udp_srcport_min: { origin } }: Readings,
): SettingProblem[] =>
  min <= max
    ? []
    : [
        {
          setting: 'udp_srcport_min',
          origin,
          wrong: `is ${min}, which is more than udp_srcport_max, ${max}`,
          remedy: 'Write a range of UDP ports, or 0 for both',
        },
      ];

/** A tunnel of one family cannot send to a group of the other. */
function familyProblems({ local, multicast }: TunnelSettings, readings: Readings): SettingProblem[] {
  if (local === null || multicast === null) return [];
  const isOther = (group: string): boolean => isIpv6(group) !== isIpv6(local);
  const problemOf = (setting: 'vxlan_group' | 'multicast_ranges', group: string): SettingProblem => ({
    setting,
    origin: readings[setting].origin,
    wrong: `has the group ${group}, which is of another family than local_ip ${local}`,
    remedy: 'Write groups of the family of local_ip, or l2_population = true where the other hosts have it',
  });
  const range = multicast.ranges.find(({ group }) => isOther(group));
  return [
    ...(isOther(multicast.base.group) ? [problemOf('vxlan_group', multicast.base.group)] : []),
    ...(range === undefined ? [] : [problemOf('multicast_ranges', range.group)]),
  ];
}

export const tunnelWarnings = (
  { enable_vxlan, arp_responder }: Values,
  { arp_responder: { origin } }: Readings,
): Warning[] =>
  enable_vxlan && arp_responder
    ? [
        {
          code: 'ARP_RESPONDER_IGNORED',
          message: `${describeOrigin(origin)}: arp_responder is true, and the tunnels of this agent answer no ARP: the guests themselves do.`,
        },
      ]
    : [];
