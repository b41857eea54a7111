import { KernelError } from '../../model/kernel.js';
import { NFT } from '../netlink/constants.js';
import { decodeAttributes, readText, TornRead } from '../netlink/message.js';
import { dumpChains, openNftables } from './nftables.js';

/** As Neutron's agent calls them in iptables, ip6tables (security groups) and ebtables (spoofed addresses). */
const NEUTRON_CHAIN = /^neutron(-linuxbri-|MAC-|ARP-)/;
/** `nfgenmsg`, before the attributes. */
const HEADER = 4;

/**
 * The chains of Neutron's agent among the rules of this host, as far as they are nftables' (iptables-nft, Debian 10 on):
 * they go on to filter when it is stopped. null: this process may not ask, or there is no nftables.
 */
export function neutronChains(): readonly string[] | null {
  try {
    const requests = openNftables();
    try {
      return requests.dump(dumpChains(), decodeNeutronChain);
    } finally {
      requests.close();
    }
  } catch (error) {
    if (error instanceof KernelError || error instanceof TornRead) return null;
    throw error;
  }
}

/** null: somebody else's. */
function decodeNeutronChain(body: Buffer): string | null {
  const name = readText(decodeAttributes(body, HEADER).get(NFT.chainName)) ?? '';
  return NEUTRON_CHAIN.test(name) ? name : null;
}
