import type { FrameDrops } from './link.js';
import { FILTERED_GROUP, TAP_FILTER_TABLE } from './names.js';

/** What a rule is made of, in the order in which it is worked through. Texts of bytes are hex. */
export type Expression =
  /** The device group of the link that the frame came in by. */
  | { readonly kind: 'group' }
  /** Bytes of the Ethernet header. The kernel shows a tag there, too, that it has taken off the frame. */
  | { readonly kind: 'header'; readonly offset: number; readonly length: number }
  /** The protocol that an IP packet carries, behind every extension header. */
  | { readonly kind: 'protocol' }
  /** Bytes of what it carries. */
  | { readonly kind: 'carried'; readonly offset: number; readonly length: number }
  | { readonly kind: 'mask'; readonly mask: string }
  | { readonly kind: 'is' | 'is-not'; readonly value: string }
  | { readonly kind: 'accept' | 'drop' };

/** A chain of the agent's table, with its rules in order. `input`: what the host itself takes from a bridge. */
export interface TapFilterChain {
  readonly name: string;
  readonly hook: 'prerouting' | 'input';
  readonly rules: readonly (readonly Expression[])[];
}

/** Before every other table, NAT of bridges (-300) included. */
export const TAP_FILTER_PRIORITY = -400;

const TAG = '8100';
/** Everything else that a switch may take for a tag: 802.1ad, the types that vendors had before it, 802.1ah. */
const OTHER_TAGS = ['88a8', '9100', '9200', '9300', '88e7'];
const [TYPE, TAG_NUMBERS, TYPE_BEHIND_TAG] = [12, 14, 16];

const header = (offset: number, length: number): Expression => ({ kind: 'header', offset, length });
const is = (value: string): Expression => ({ kind: 'is', value });
const isNot = (value: string): Expression => ({ kind: 'is-not', value });
const mask = (bytes: string): Expression => ({ kind: 'mask', mask: bytes });
const DROP: Expression = { kind: 'drop' };
const ACCEPT: Expression = { kind: 'accept' };

/** The kernel keeps the group as a number of its own byte order, which is little-endian wherever this agent runs. */
function groupBytes(): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(FILTERED_GROUP);
  return bytes.toString('hex');
}

/**
 * To the groups of IEEE 802.1 that a bridge keeps for itself (01:80:c2:00:00:00 to 0f: STP, LACP, LLDP, 802.1X) and those of
 * GVRP and MVRP (20 to 2f), and to every group of Cisco's (CDP, VTP, PVST and more).
 */
const SWITCH_RULES: readonly (readonly Expression[])[] = [
  [header(0, 6), mask('ffffffffffd0'), is('0180c2000000'), DROP],
  [header(0, 3), is('01000c'), DROP],
];

/** A lone priority tag (VLAN 0, and no tag behind it) says nothing of a VLAN. */
const TAG_RULES: readonly (readonly Expression[])[] = [
  ...OTHER_TAGS.map((type) => [header(TYPE, 2), is(type), DROP]),
  [header(TYPE, 2), isNot(TAG), ACCEPT],
  [header(TAG_NUMBERS, 2), mask('0fff'), isNot('0000'), DROP],
  ...[TAG, ...OTHER_TAGS].map((type) => [header(TYPE_BEHIND_TAG, 2), is(type), DROP]),
];

const FROM_ELSEWHERE: readonly Expression[] = [{ kind: 'group' }, isNot(groupBytes()), ACCEPT];

const ICMPV6 = '3a';
const [ROUTER_ADVERTISEMENT, REDIRECT] = ['86', '89'];

/**
 * A flat bridge that has the host's addresses takes part in IPv6 as its uplink did, router advertisements included: those of a
 * guest, who would be the host's router then, are not for the host. Other guests may want them: a router may be one of them.
 */
const TO_HOST_RULES: readonly (readonly Expression[])[] = [
  FROM_ELSEWHERE,
  [{ kind: 'protocol' }, isNot(ICMPV6), ACCEPT],
  ...[ROUTER_ADVERTISEMENT, REDIRECT].map((type): readonly Expression[] => [
    { kind: 'carried', offset: 0, length: 1 },
    is(type),
    DROP,
  ]),
];

/** The chains of the agent's table: whatever comes from a tap of its own and is to be dropped. None: nothing is. */
export function tapFilterChains({ tagged, switchFrames }: FrameDrops): readonly TapFilterChain[] {
  if (!tagged && !switchFrames) return [];
  const fromTap = [FROM_ELSEWHERE, ...(switchFrames ? SWITCH_RULES : []), ...(tagged ? TAG_RULES : [])];
  return [
    { name: 'from_tap', hook: 'prerouting', rules: fromTap },
    { name: 'to_host', hook: 'input', rules: TO_HOST_RULES },
  ];
}

/** The agent's table in nft's words, every rule as `nft list` shows it. */
export function inNftWords(drops: FrameDrops): string[] {
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
