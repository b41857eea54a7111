import {
  type Expression,
  FILTERED_GROUP,
  type FrameDrops,
  type Ipv4Settings,
  type Ipv6Settings,
  type Operation,
  type OperationOf,
  type Route,
  TAP_FILTER_PRIORITY,
  TAP_FILTER_TABLE,
  tapFilterChains,
} from '../../model/index.js';

const ROUTE_PROTOCOL_KERNEL = 2;
const TABLE_LOCAL = 255;

/**
 * An operation as the commands an operator would type, for `plan`. They are for reading: the agent itself speaks
 * rtnetlink and starts no process.
 */
export function inIprouteWords(operation: Operation): string[] {
  const { device } = operation;
  switch (operation.op) {
    case 'create-bridge':
      return [
        `ip link add ${device} address ${operation.mac} group ${FILTERED_GROUP} type bridge stp_state 0 forward_delay 0${operation.vlanFiltering ? ' vlan_filtering 1' : ''}`,
      ];
    case 'create-subinterface':
      return [`ip link add link ${operation.parent.name} name ${device} type vlan id ${operation.vlanId}`];
    case 'set-label':
      return [`ip link set ${device} alias ${operation.label}`];
    case 'disable-ipv6':
      return [sysctl(device, 'disable_ipv6', 1)];
    case 'set-ipv6':
      return ipv6Sysctls(device, operation.settings);
    case 'set-ipv4':
      return ipv4Sysctls(device, operation.settings);
    case 'set-group':
      return [`ip link set ${device} group ${operation.group}`];
    case 'set-tap-filter':
      return tapFilterInWords(operation.drops);
    case 'set-mac':
      return [`ip link set ${device} address ${operation.mac}`];
    case 'set-mtu':
      return [`ip link set ${device} mtu ${operation.mtu}`];
    case 'set-bridge-options':
      return [`ip link set ${device} type bridge stp_state 0 forward_delay 0`];
    case 'set-up':
      return [`ip link set ${device} up`];
    case 'attach':
      return [
        `ip link set ${device} master ${operation.bridge.name}${operation.group === undefined ? '' : ` group ${operation.group}`}`,
      ];
    case 'detach':
      return [`ip link set ${device} nomaster`];
    case 'move-addresses':
      return moveInWords(operation);
    case 'delete-bridge':
    case 'delete-subinterface':
      return [`ip link delete ${device}`];
  }
}

const sysctl = (device: string, key: string, value: number): string =>
  `echo ${value} > /proc/sys/net/ipv6/conf/${device}/${key}`;

const ipv6Sysctls = (
  device: string,
  { disabled, acceptRa, autoconf, forwarding }: Ipv6Settings,
): string[] => [
  sysctl(device, 'accept_ra', acceptRa),
  sysctl(device, 'autoconf', Number(autoconf)),
  sysctl(device, 'forwarding', Number(forwarding)),
  sysctl(device, 'disable_ipv6', Number(disabled)),
];

const ipv4Sysctls = (device: string, { forwarding, rpFilter, arpIgnore }: Ipv4Settings): string[] =>
  Object.entries({ forwarding: Number(forwarding), rp_filter: rpFilter, arp_ignore: arpIgnore }).map(
    ([key, value]) => `echo ${value} > /proc/sys/net/ipv4/conf/${device}/${key}`,
  );

/** Routes that the kernel makes by itself, with an address, are not typed. */
const isTyped = ({ protocol, table }: Route): boolean =>
  protocol !== ROUTE_PROTOCOL_KERNEL && table !== TABLE_LOCAL;

function moveInWords({ from, to, membership, addresses, routes }: OperationOf<'move-addresses'>): string[] {
  const family = (one: { family: string }): string => (one.family === 'inet6' ? 'ip -6' : 'ip');
  const texts = addresses.map((one) => ({ ip: family(one), text: `${one.address}/${one.prefixLength}` }));
  return [
    ...texts.map(({ ip, text }) => `${ip} address add ${text} dev ${to.name}${ip === 'ip' ? '' : ' nodad'}`),
    ...routes
      .filter(isTyped)
      .map(
        (one) =>
          `${family(one)} route append ${one.destination}${one.gateway === null ? '' : ` via ${one.gateway}`} dev ${to.name} table ${one.table} metric ${one.metric}`,
      ),
    ...(membership === 'join' ? [`ip link set ${from.name} master ${to.name}`] : []),
    ...(membership === 'leave' ? [`ip link set ${to.name} nomaster`] : []),
    ...texts.map(({ ip, text }) => `${ip} address del ${text} dev ${from.name}`),
  ];
}

/** In nft's words; every rule as `nft list` shows it. */
function tapFilterInWords(drops: FrameDrops): string[] {
  const table = `bridge ${TAP_FILTER_TABLE}`;
  const chains = tapFilterChains(drops);
  if (chains.length === 0) return [`nft delete table ${table}`];
  return [
    `nft add table ${table}`,
    ...chains.flatMap(({ name, hook, rules }) => [
      `nft add chain ${table} ${name} '{ type filter hook ${hook} priority ${TAP_FILTER_PRIORITY}; }'`,
      ...rules.map((rule) => `nft add rule ${table} ${name} ${ruleInWords(rule)}`),
    ]),
  ];
}

const ruleInWords = (rule: readonly Expression[]): string => rule.map(expressionInWords).join(' ');

function expressionInWords(one: Expression): string {
  switch (one.kind) {
    case 'group':
      return 'iifgroup';
    case 'header':
      return `@ll,${one.offset * 8},${one.length * 8}`;
    case 'protocol':
      return 'meta l4proto';
    case 'carried':
      return `@th,${one.offset * 8},${one.length * 8}`;
    case 'mask':
      return `& 0x${one.mask}`;
    case 'is':
      return `== 0x${one.value}`;
    case 'is-not':
      return one.value.length === 8 ? `!= ${FILTERED_GROUP}` : `!= 0x${one.value}`;
    case 'accept':
    case 'drop':
      return one.kind;
  }
}
