import { NFT } from '../netlink/constants.js';
import { attribute, nestedAttribute, type Request, textAttribute } from '../netlink/message.js';
import { openRequests, type Requests } from '../netlink/requests.js';
import { openNetfilterSocket } from '../netlink/socket.js';

/**
 * The messages of nftables (nfnetlink): numbers in attributes are big-endian, and what changes something stands between
 * the messages that begin and end a batch, which the kernel takes as a whole or not at all.
 */

const FAMILY = { any: 0, bridge: 7 } as const;

/** A socket for requests to nftables of the network namespace that the thread is in. Throws KernelError. */
export const openNftables = (): Requests => openRequests(openNetfilterSocket);

/** `nfgenmsg`: family, version, and a number that only the frame of a batch has. */
const header = (family: number, subsystem = 0): Buffer => Buffer.from([family, 0, 0, subsystem]);

export const nftRequest = (kind: number, flags: number, ...attributes: Buffer[]): Request => ({
  type: (NFT.subsystem << 8) | kind,
  flags,
  body: Buffer.concat([header(FAMILY.bridge), ...attributes]),
});

/** Asks for the chains of every family. */
export const dumpChains = (): Request => ({
  type: (NFT.subsystem << 8) | NFT.getChain,
  flags: 0,
  body: header(FAMILY.any),
});

/** What the kernel is to carry out; `trial`: it only says whether it could, since a batch without an end is thrown away. */
export const batch = (requests: readonly Request[], manner: 'commit' | 'trial'): Request[] => {
  const frame = (type: number): Request => ({
    type,
    flags: 0,
    body: header(0, NFT.subsystem),
    isFrame: true,
  });
  return [frame(NFT.batchBegin), ...requests, ...(manner === 'commit' ? [frame(NFT.batchEnd)] : [])];
};

export function be32Attribute(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return attribute(type, bytes);
}

/** One expression of a rule, by its name and its own attributes. */
export const expression = (name: string, ...attributes: Buffer[]): Buffer =>
  nestedAttribute(
    NFT.listElement,
    textAttribute(NFT.expressionName, name),
    nestedAttribute(NFT.expressionData, ...attributes),
  );
