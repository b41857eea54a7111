import { writeFileSync } from 'node:fs';
import { addEntry } from '../../src/kernel/forwarding/entries.js';
import { linkHeader } from '../../src/kernel/links.js';
import { IFF_UP, IFLA, NLM_F, NLMSG, RTM, VXLAN } from '../../src/kernel/netlink/constants.js';
import {
  attribute,
  decodeAcknowledgement,
  encodeRequest,
  nestedAttribute,
  textAttribute,
  u8Attribute,
  u16BigEndianAttribute,
  u32Attribute,
} from '../../src/kernel/netlink/message.js';
import { openRequests } from '../../src/kernel/netlink/requests.js';
import { openSocket } from '../../src/kernel/netlink/socket.js';
import { floodEntry, type IfIndex, ifIndex, ipBytes, type TunnelMaking } from '../../src/model/index.js';

const RECEIVE_BYTES = 1024 * 1024;

/**
 * The same entries in each of these tunnels, one datagram for each tunnel, put together from one request in which only the
 * address changes. Only the last is acknowledged: the kernel answers one that fails at any rate.
 */
export function bareFloods(tunnels: readonly IfIndex[], endpoints: readonly string[]): void {
  const socket = openSocket(0, RECEIVE_BYTES);
  const addresses = endpoints.map(ipBytes);
  for (const [sequence, tunnel] of tunnels.entries()) {
    const whole = encodeRequest(addEntry(tunnel, floodEntry('0.0.0.0')), 0, sequence);
    const datagram = Buffer.alloc(whole.length * addresses.length);
    for (const [at, address] of addresses.entries()) {
      whole.copy(datagram, at * whole.length);
      address.copy(datagram, (at + 1) * whole.length - address.length);
    }
    const last = (addresses.length - 1) * whole.length + FLAGS_AT;
    datagram.writeUInt16LE(datagram.readUInt16LE(last) | NLM_F.ack, last);
    socket.send(datagram);
    const refused = (socket.receive() ?? []).filter(
      (message) => message.type !== NLMSG.error || decodeAcknowledgement(message).errno !== 0,
    );
    if (refused.length > 0) throw new Error(`${refused.length} of the floor's entries were refused`);
  }
  socket.close();
}

/** Where a message has its flags. */
const FLAGS_AT = 6;

/** One tunnel of the floor: what it is made with, and what for. */
export interface BareTunnel {
  readonly name: string;
  readonly making: TunnelMaking;
  readonly bridge: IfIndex;
  readonly label: string;
  readonly mtu: number;
  readonly endpoints: readonly string[];
}

/** Every request and sysctl that makes these tunnels, one after another: nothing is looked at before, checked or read back. */
export function bareTunnels(tunnels: readonly BareTunnel[], first: number): void {
  const requests = openRequests();
  const request = (body: Buffer, flags = 0): void => {
    const [answer] = requests.exchange([{ type: RTM.newLink, flags, body }]);
    if (answer?.ok === false) throw new Error(answer.message);
  };
  const set = (index: IfIndex, ...attributes: readonly Buffer[]): void =>
    request(Buffer.concat([linkHeader(index), ...attributes]));
  for (const [at, { name, making, bridge, label, mtu, endpoints }] of tunnels.entries()) {
    const index = ifIndex(first + at);
    request(newTunnel(index, name, making), NLM_F.create | NLM_F.exclusive);
    set(index, attribute(IFLA.alias, Buffer.from(label)));
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1', { flag: 'r+' });
    set(index, u32Attribute(IFLA.mtu, mtu));
    requests.exchange(endpoints.map((endpoint) => addEntry(index, floodEntry(endpoint))));
    set(index, u32Attribute(IFLA.master, bridge));
    request(linkHeader(index, IFF_UP, IFF_UP));
  }
  requests.close();
}

/** With an index that is chosen here, so that nobody has to ask for it. */
function newTunnel(index: IfIndex, name: string, { vni, port, local }: TunnelMaking): Buffer {
  const data = nestedAttribute(
    IFLA.infoData,
    u32Attribute(VXLAN.vni, vni),
    u16BigEndianAttribute(VXLAN.port, port),
    attribute(VXLAN.local, ipBytes(local)),
    u8Attribute(VXLAN.learning, 1),
  );
  const info = nestedAttribute(IFLA.linkInfo, textAttribute(IFLA.infoKind, 'vxlan'), data);
  return Buffer.concat([linkHeader(index), textAttribute(IFLA.name, name), info]);
}
