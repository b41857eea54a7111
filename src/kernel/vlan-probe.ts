import { linkName } from '../model/ids.js';
import { linkHeader } from './links.js';
import { IFLA, NLM_F, RTM } from './netlink/constants.js';
import { nestedAttribute, textAttribute } from './netlink/message.js';
import { openRequests } from './netlink/requests.js';

/**
 * Whether this kernel can make VLAN subinterfaces; null: this process may not ask. It asks for one without an id and
 * without an interface to stand on, which no kernel makes: one with VLANs finds the request wrong (EINVAL), one without
 * does not know the kind (EOPNOTSUPP). The module is loaded on the way, as it would be for the agent. Throws KernelError.
 */
export function hasVlans(): boolean | null {
  const requests = openRequests();
  try {
    const body = Buffer.concat([
      linkHeader(0),
      textAttribute(IFLA.name, linkName('vlan-probe')),
      nestedAttribute(IFLA.linkInfo, textAttribute(IFLA.infoKind, 'vlan')),
    ]);
    const [answer] = requests.exchange([{ type: RTM.newLink, flags: NLM_F.create | NLM_F.exclusive, body }]);
    if (answer === undefined || answer.ok || answer.errno === 'EPERM') return null;
    return answer.errno !== 'EOPNOTSUPP';
  } finally {
    requests.close();
  }
}
