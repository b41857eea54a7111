import { KernelError } from '../../model/kernel.js';
import type { FrameDrops, TapFilter } from '../../model/link.js';
import { TAP_FILTER_TABLE } from '../../model/names.js';
import { isSame } from '../../model/same.js';
import { TAP_FILTER_PRIORITY, type TapFilterChain, tapFilterChains } from '../../model/tap-filter.js';
import { NFT, NLM_F } from '../netlink/constants.js';
import {
  decodeAttributes,
  nestedAttribute,
  type Request,
  readText,
  TornRead,
  textAttribute,
} from '../netlink/message.js';
import { expectDone, expectReadable } from '../netlink/refused.js';
import type { Requests } from '../netlink/requests.js';
import { decodeExpressions, encodeExpression } from './expressions.js';
import { batch, be32Attribute, nftRequest, openNftables } from './nftables.js';

/** The agent's own table, which drops frames where a tap comes in. */
export interface TapFilterTable {
  /** How it was when the kernel was last asked. Never throws KernelError. */
  look(): TapFilter;
  /** The kernel announces no change of it here: the next look asks, one question where nothing in nftables has changed. */
  askAgain(): void;
  /** Makes it anew, or takes it away where nothing is to be dropped. Throws Refused and KernelError. */
  set(drops: FrameDrops): void;
  close(): void;
}

const UNKNOWN: TapFilter = { kind: 'unknown' };
/** For good, or only now: then it is asked again. */
const UNSUPPORTED: TapFilter = { kind: 'unsupported' };
const EVERYTHING: FrameDrops = { tagged: true, switchFrames: true };
const POSSIBLE: readonly FrameDrops[] = [
  EVERYTHING,
  { tagged: true, switchFrames: false },
  { tagged: false, switchFrames: true },
];

/** Opens nothing before it is asked: a kernel without nftables is one that cannot drop. */
export function openTapFilter(open: () => Requests = openNftables): TapFilterTable {
  let requests: Requests | null = null;
  let seen: { readonly generation: number; readonly filter: TapFilter } | null = null;
  let isDue = true;
  /** The kernel has said that it cannot, or that this process may not ask: it is not asked again. */
  let lasting: TapFilter | null = null;
  const look = (): TapFilter => {
    if (lasting !== null) return lasting;
    if (seen !== null && !isDue) return seen.filter;
    try {
      requests ??= open();
      const generation = requests.get(nftRequest(NFT.getGeneration, 0), decodeGeneration) ?? 0;
      if (seen?.generation !== generation) {
        const filter = read(requests, seen === null);
        seen = { generation, filter: isSame(filter, seen?.filter) && seen !== null ? seen.filter : filter };
      }
      isDue = false;
      return seen.filter;
    } catch (error) {
      if (error instanceof TornRead) return UNSUPPORTED;
      if (!(error instanceof KernelError)) throw error;
      const filter = error.kind === 'permission' ? UNKNOWN : UNSUPPORTED;
      if (error.kind !== 'failed') lasting = filter;
      return filter;
    }
  };
  return {
    look,
    askAgain: () => {
      isDue = true;
    },
    set: (drops) => {
      isDue = true;
      requests ??= open();
      for (const one of requests.exchange(batch(requestsFor(drops), 'commit'))) {
        expectDone(one, `write the nftables table ${TAP_FILTER_TABLE}`);
      }
    },
    close: () => requests?.close(),
  };
}

/** `isFirst`: whether this kernel can do it at all is only asked once. Throws KernelError and TornRead. */
function read(requests: Requests, isFirst: boolean): TapFilter {
  const chains = requests.dump(nftRequest(NFT.getChain, 0), decodeChain);
  if (chains.length === 0) {
    const tried = isFirst ? requests.exchange(batch(requestsFor(EVERYTHING), 'trial')) : [];
    for (const one of tried) expectReadable(one);
    return { kind: 'absent' };
  }
  const rules = requests.dump(
    nftRequest(NFT.getRule, 0, textAttribute(NFT.ruleTable, TAP_FILTER_TABLE)),
    decodeRule,
  );
  const isOff = requests.dump(nftRequest(NFT.getTable, 0), decodeIsOff).includes(true);
  const found = chains.map((chain) => ({
    ...chain,
    rules: rules.flatMap((rule) => (rule.chain === chain.name ? [rule.expressions] : [])),
  }));
  const drops = POSSIBLE.find((one) => isSame(tapFilterChains(one).map(placed), found));
  return drops !== undefined && !isOff ? { kind: 'present', drops } : { kind: 'altered' };
}

/** A chain as the kernel tells of it. */
const placed = ({ name, hook, rules }: TapFilterChain) => ({
  name,
  hook: NFT.hooks[hook],
  priority: TAP_FILTER_PRIORITY,
  rules,
});

/** Added and deleted first, so that whatever was there is gone; all of it in one batch. */
function requestsFor(drops: FrameDrops): Request[] {
  const name = textAttribute(NFT.tableName, TAP_FILTER_TABLE);
  const add = nftRequest(NFT.newTable, NLM_F.create, name);
  const anew = [add, nftRequest(NFT.delTable, 0, name)];
  const chains = tapFilterChains(drops);
  return chains.length === 0 ? anew : [...anew, add, ...chains.flatMap(chainRequests)];
}

function chainRequests({ name, hook, rules }: TapFilterChain): Request[] {
  const chain = nftRequest(
    NFT.newChain,
    NLM_F.create,
    textAttribute(NFT.chainTable, TAP_FILTER_TABLE),
    textAttribute(NFT.chainName, name),
    nestedAttribute(NFT.chainHook, be32Attribute(1, NFT.hooks[hook]), be32Attribute(2, TAP_FILTER_PRIORITY)),
    be32Attribute(NFT.chainPolicy, 1),
    textAttribute(NFT.chainType, 'filter'),
  );
  const added = rules.map((rule) =>
    nftRequest(
      NFT.newRule,
      NLM_F.create | NLM_F.append,
      textAttribute(NFT.ruleTable, TAP_FILTER_TABLE),
      textAttribute(NFT.ruleChain, name),
      nestedAttribute(NFT.ruleExpressions, ...rule.map(encodeExpression)),
    ),
  );
  return [chain, ...added];
}

/** The bytes before the attributes: `nfgenmsg`. */
const HEADER = 4;

const decodeGeneration = (body: Buffer): number | null =>
  decodeAttributes(body, HEADER).get(NFT.generationId)?.readUInt32BE() ?? null;

/** null: another table; else whether somebody has switched it off (`flags dormant`). */
function decodeIsOff(body: Buffer): boolean | null {
  const table = decodeAttributes(body, HEADER);
  if (readText(table.get(NFT.tableName)) !== TAP_FILTER_TABLE) return null;
  return ((table.get(NFT.tableFlags)?.readUInt32BE() ?? 0) & 1) !== 0;
}

interface PlacedChain {
  readonly name: string;
  readonly hook: number | undefined;
  readonly priority: number | undefined;
}

/** null: the chain of another table. */
function decodeChain(body: Buffer): PlacedChain | null {
  const chain = decodeAttributes(body, HEADER);
  if (readText(chain.get(NFT.chainTable)) !== TAP_FILTER_TABLE) return null;
  const hook = decodeAttributes(chain.get(NFT.chainHook) ?? Buffer.alloc(0));
  const name = readText(chain.get(NFT.chainName)) ?? '';
  return { name, hook: hook.get(1)?.readInt32BE(), priority: hook.get(2)?.readInt32BE() };
}

interface PlacedRule {
  readonly chain: string;
  /** With null in it: one that the agent never writes. */
  readonly expressions: ReturnType<typeof decodeExpressions>;
}

/** null: a rule of another table. */
function decodeRule(body: Buffer): PlacedRule | null {
  const rule = decodeAttributes(body, HEADER);
  if (readText(rule.get(NFT.ruleTable)) !== TAP_FILTER_TABLE) return null;
  return {
    chain: readText(rule.get(NFT.ruleChain)) ?? '',
    expressions: decodeExpressions(rule.get(NFT.ruleExpressions) ?? Buffer.alloc(0)),
  };
}
