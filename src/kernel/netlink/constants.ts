/**
 * The numbers of rtnetlink that this agent uses, from the kernel's uapi headers (linux/netlink.h,
 * rtnetlink.h, if_link.h, if_addr.h, ipv6.h). They never change: they are the kernel's ABI.
 */

export const AF = { unspec: 0, inet: 2, bridge: 7, inet6: 10, netlink: 16 } as const;

export const SOCKET = {
  raw: 3,
  cloexec: 0o2000000,
  solSocket: 1,
  rcvbuf: 8,
  attachFilter: 26,
  rcvbufForce: 33,
  netlinkRoute: 0,
  netlinkNetfilter: 12,
  solNetlink: 270,
  netlinkCapAck: 10,
  netlinkExtAck: 11,
  netlinkGetStrictChk: 12,
  msgTrunc: 0x20,
  msgDontwait: 0x40,
} as const;

/**
 * Bits of `sockaddr_nl.nl_groups`: RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
 * RTNLGRP_IPV4_NETCONF.
 */
export const GROUPS = {
  link: 0x1,
  neighbour: 0x4,
  ipv4Address: 0x10,
  ipv6Address: 0x100,
  ipv4Settings: 0x800000,
} as const;

export const NLMSG = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

export const NLM_F = {
  request: 0x1,
  ack: 0x4,
  dumpInterrupted: 0x10,
  capped: 0x100,
  ackAttributes: 0x200,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
} as const;

export const NLMSGERR_ATTR_MSG = 1;

export const RTM = {
  newLink: 16,
  delLink: 17,
  getLink: 18,
  newAddress: 20,
  delAddress: 21,
  getAddress: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
  delNeighbour: 29,
  getNeighbour: 30,
  newSettings: 80,
} as const;

/** Sizes of the fixed part before the attributes: ifinfomsg, ifaddrmsg, rtmsg, rtnexthop, ndmsg, netconfmsg. */
export const HEADER = { link: 16, address: 8, route: 12, nexthop: 8, neighbour: 12, settings: 4 } as const;

export const IFF_UP = 0x1;

export const IFLA = {
  address: 1,
  name: 3,
  mtu: 4,
  link: 5,
  master: 10,
  linkInfo: 18,
  alias: 20,
  group: 27,
  afSpec: 26,
  extMask: 29,
  linkNetnsId: 37,
  propList: 52,
  altName: 53,
  infoKind: 1,
  infoData: 2,
  bridgeForwardDelay: 1,
  bridgeStpState: 5,
  bridgeVlanFiltering: 7,
  bridgeVlanProtocol: 8,
  bridgeFdbMaxLearned: 49,
  vlanId: 1,
  vlanProtocol: 5,
  inetConf: 1,
  inet6Conf: 2,
} as const;

/** Inside IFLA_INFO_DATA of a VXLAN device; `port` is in network byte order, `portRange` two such. */
export const VXLAN = {
  vni: 1,
  group: 2,
  link: 3,
  local: 4,
  ttl: 5,
  tos: 6,
  learning: 7,
  portRange: 10,
  proxy: 11,
  port: 15,
  group6: 16,
  local6: 17,
  collectMetadata: 25,
} as const;

/** Leaves the counters out of a dump, which makes it smaller by a third. */
export const RTEXT_FILTER_SKIP_STATS = 0x8;

/** Numbers of IPv4's settings (enum of linux/ip.h): IFLA_INET_CONF's array begins with number 1. */
export const IPV4_DEVCONF = { forwarding: 1, rpFilter: 8, arpIgnore: 19 } as const;

/** Positions in IFLA_INET6_CONF's array of 32-bit numbers (enum of linux/ipv6.h). */
export const DEVCONF = { forwarding: 0, acceptRa: 3, autoconf: 5, disableIpv6: 26 } as const;

export const ETHERTYPE = { vlan: 0x8100, serviceVlan: 0x88a8 } as const;

export const IFA = {
  address: 1,
  local: 2,
  label: 3,
  broadcast: 4,
  cacheInfo: 6,
  flags: 8,
} as const;

export const IFA_F = {
  temporary: 0x01,
  noDad: 0x02,
  dadFailed: 0x08,
  tentative: 0x40,
  permanent: 0x80,
  noPrefixRoute: 0x200,
} as const;

export const RTA = {
  destination: 1,
  inputInterface: 3,
  outputInterface: 4,
  gateway: 5,
  priority: 6,
  source: 7,
  multipath: 9,
  cacheInfo: 12,
  table: 15,
  via: 18,
  expires: 23,
  nexthopId: 30,
} as const;

export const NDA = {
  destination: 1,
  linkLayerAddress: 2,
  port: 6,
  vni: 7,
  index: 8,
  protocol: 12,
} as const;
export const NUD = { noArp: 0x40, permanent: 0x80 } as const;
export const NTF_SELF = 0x02;

export const NETCONFA = { index: 1 } as const;

export const ROUTE_TYPE_UNICAST = 1;
export const ROUTE_PROTOCOL_KERNEL = 2;
/** A route the kernel derived from another one for a single destination; never configuration. */
export const RTM_F_CLONED = 0x200;
/**
 * The only nexthop flag that is configuration; the others say how things are (dead, link down, offloaded).
 */
export const RTNH_F_ONLINK = 4;

/** The numbers of nftables (linux/netfilter/nfnetlink.h, nf_tables.h, netfilter_bridge.h). */
export const NFT = {
  subsystem: 10,
  batchBegin: 16,
  batchEnd: 17,
  newTable: 0,
  getTable: 1,
  delTable: 2,
  newChain: 3,
  getChain: 4,
  newRule: 6,
  getRule: 7,
  getGeneration: 16,
  generationId: 1,
  tableName: 1,
  tableFlags: 2,
  chainTable: 1,
  chainName: 3,
  chainHook: 4,
  chainPolicy: 5,
  chainType: 7,
  ruleTable: 1,
  ruleChain: 2,
  ruleExpressions: 4,
  listElement: 1,
  expressionName: 1,
  expressionData: 2,
  dataValue: 1,
  dataVerdict: 2,
  verdictCode: 1,
  hooks: { prerouting: 0, input: 1 },
  linkHeader: 0,
  transportHeader: 2,
  metaProtocol: 16,
  metaInputGroup: 21,
} as const;
