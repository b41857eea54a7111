import type { FrameDrops } from './link.js';
import { FILTERED_GROUP } from './names.js';

/** What a rule is made of, in the order in which it is worked through. Texts of bytes are hex. */
export type Expression =
  /** The device group of the link that the frame came in by. */
  | { readonly kind: 'group' }
  /** Bytes of the Ethernet header. The kernel shows a tag there, too, that it has taken off the frame. */
  | { readonly kind: 'header'; readonly offset: number; readonly length: number }
  | { readonly kind: 'mask'; readonly mask: string }
  | { readonly kind: 'is' | 'is-not'; readonly value: string }
  | { readonly kind: 'accept' | 'drop' };

export const TAP_FILTER_CHAIN = 'from_tap';
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

/** The rules of the agent's chain, in order: whatever comes from a tap of its own and is to be dropped. */
export const tapFilterRules = ({ tagged, switchFrames }: FrameDrops): (readonly Expression[])[] => [
  [{ kind: 'group' }, isNot(groupBytes()), ACCEPT],
  ...(switchFrames ? SWITCH_RULES : []),
  ...(tagged ? TAG_RULES : []),
];
