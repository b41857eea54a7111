import type { Expression } from '../../model/tap-filter.js';
import { NFT } from '../netlink/constants.js';
import { attribute, decodeAttributes, nestedAttribute, readText, valuesOf } from '../netlink/message.js';
import { be32Attribute, expression } from './nftables.js';

const REGISTER = 1;
const REGISTER_VERDICT = 0;
const [EQUAL, NOT_EQUAL] = [0, 1];
const [DROP, ACCEPT] = [0, 1];

const value = (type: number, hex: string): Buffer =>
  nestedAttribute(type, attribute(NFT.dataValue, Buffer.from(hex, 'hex')));

export function encodeExpression(one: Expression): Buffer {
  switch (one.kind) {
    case 'group':
      return expression('meta', be32Attribute(1, REGISTER), be32Attribute(2, NFT.metaInputGroup));
    case 'protocol':
      return expression('meta', be32Attribute(1, REGISTER), be32Attribute(2, NFT.metaProtocol));
    case 'header':
    case 'carried':
      return expression(
        'payload',
        be32Attribute(1, REGISTER),
        be32Attribute(2, one.kind === 'header' ? NFT.linkHeader : NFT.transportHeader),
        be32Attribute(3, one.offset),
        be32Attribute(4, one.length),
      );
    case 'mask':
      return expression(
        'bitwise',
        be32Attribute(1, REGISTER),
        be32Attribute(2, REGISTER),
        be32Attribute(3, one.mask.length / 2),
        value(4, one.mask),
        value(5, '00'.repeat(one.mask.length / 2)),
      );
    case 'is':
    case 'is-not':
      return expression(
        'cmp',
        be32Attribute(1, REGISTER),
        be32Attribute(2, one.kind === 'is' ? EQUAL : NOT_EQUAL),
        value(3, one.value),
      );
    case 'accept':
    case 'drop': {
      const code = be32Attribute(NFT.verdictCode, one.kind === 'drop' ? DROP : ACCEPT);
      const verdict = nestedAttribute(2, nestedAttribute(NFT.dataVerdict, code));
      return expression('immediate', be32Attribute(1, REGISTER_VERDICT), verdict);
    }
  }
}

/** The expressions of a rule as the kernel lists them; null for one that this agent never writes. */
export const decodeExpressions = (list: Buffer): (Expression | null)[] =>
  valuesOf(list, NFT.listElement).map(decodeExpression);

function decodeExpression(element: Buffer): Expression | null {
  const parts = decodeAttributes(element);
  const data = decodeAttributes(parts.get(NFT.expressionData) ?? Buffer.alloc(0));
  const number = (type: number): number | undefined => data.get(type)?.readInt32BE();
  const bytes = (type: number): string =>
    decodeAttributes(data.get(type) ?? Buffer.alloc(0))
      .get(NFT.dataValue)
      ?.toString('hex') ?? '';
  switch (readText(parts.get(NFT.expressionName))) {
    case 'meta':
      return number(2) === NFT.metaInputGroup
        ? { kind: 'group' }
        : number(2) === NFT.metaProtocol
          ? { kind: 'protocol' }
          : null;
    case 'payload': {
      const place = { offset: number(3) ?? -1, length: number(4) ?? -1 };
      return number(2) === NFT.linkHeader
        ? { kind: 'header', ...place }
        : number(2) === NFT.transportHeader
          ? { kind: 'carried', ...place }
          : null;
    }
    case 'bitwise':
      return /^0+$/.test(bytes(5)) ? { kind: 'mask', mask: bytes(4) } : null;
    case 'cmp':
      return number(2) === EQUAL || number(2) === NOT_EQUAL
        ? { kind: number(2) === EQUAL ? 'is' : 'is-not', value: bytes(3) }
        : null;
    case 'immediate':
      return verdictOf(data.get(2));
    default:
      return null;
  }
}

function verdictOf(data: Buffer | undefined): Expression | null {
  const verdict = data === undefined ? undefined : decodeAttributes(data).get(NFT.dataVerdict);
  const code =
    verdict === undefined ? undefined : decodeAttributes(verdict).get(NFT.verdictCode)?.readInt32BE();
  if (code !== DROP && code !== ACCEPT) return null;
  return { kind: code === DROP ? 'drop' : 'accept' };
}
