import { boolean, integer } from './formats.js';
import { optional, setting } from './setting.js';
import { ipAddress, multicastNetwork, multicastRanges } from './tunnel-formats.js';

const PORT_MAX = 65_535;

/** What Neutron's files say of VXLAN, under the names that it has there. */
export const TUNNEL_SETTINGS = {
  enable_vxlan: setting('VXLAN', 'true', boolean, 'Whether this host serves networks of type vxlan.'),
  local_ip: setting(
    'VXLAN',
    '',
    ipAddress,
    'Address of this host at which its tunnels end; without one no network of type vxlan is served.',
  ),
  l2_population: setting(
    'VXLAN',
    'false',
    boolean,
    'Whether the database tells which hosts a network reaches; otherwise multicast groups do. As on all hosts.',
  ),
  vxlan_group: setting(
    'VXLAN',
    '224.0.0.1',
    multicastNetwork,
    'Multicast group of the tunnels, or a range of groups as 239.1.0.0/16; empty: as with l2_population.',
  ),
  multicast_ranges: setting(
    'VXLAN',
    '',
    multicastRanges,
    'Multicast groups for ranges of VNIs, before vxlan_group, as group:first:last.',
  ),
  ttl: optional('VXLAN', integer(0, 255), 'TTL of the packets that carry tunnels; default: the kernel’s.'),
  tos: optional(
    'VXLAN',
    integer(0, 255),
    'TOS of these packets (1: that of the frame inside); default: as dscp says.',
  ),
  udp_srcport_min: setting(
    'VXLAN',
    '0',
    integer(0, PORT_MAX),
    'First UDP port that tunnels send from; 0 with udp_srcport_max: the kernel’s.',
  ),
  udp_srcport_max: setting('VXLAN', '0', integer(0, PORT_MAX), 'Last UDP port that tunnels send from.'),
  udp_dstport: setting(
    'VXLAN',
    '8472',
    integer(1, PORT_MAX),
    'UDP port at which the tunnels of all hosts end.',
  ),
  arp_responder: setting(
    'VXLAN',
    'false',
    boolean,
    'Neutron’s answering of ARP by the tunnels. This agent never does so, and says so where it is true.',
  ),
} as const;

/** What applies to the packets of every kind of tunnel, and stands in `[AGENT]`. */
export const TUNNEL_TRAFFIC_SETTINGS = {
  dscp: optional(
    'AGENT',
    integer(0, 63),
    'DSCP of the packets that carry tunnels, unless tos is set; default: the kernel’s.',
  ),
  dscp_inherit: setting(
    'AGENT',
    'false',
    boolean,
    'Whether those packets take over the DSCP of the frame inside, before dscp.',
  ),
} as const;
