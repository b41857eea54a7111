import { createHash } from 'node:crypto';
import type { TapQuestion } from './database.js';
import {
  type LinkName,
  linkName,
  type NetworkId,
  networkId,
  type PhysicalNetwork,
  type PortId,
  physicalNetwork,
} from './ids.js';

/** Linux refuses longer interface names (IFNAMSIZ is 16 with the final NUL). */
export const LINK_NAME_LENGTH_MAX = 15;
/** How much of an id fits behind a prefix of three characters with room for libvirt's own; Quantum's choice. */
export const ID_PREFIX_LENGTH = 11;
/**
 * The device group of the bridges that the agent makes and of the taps in them, whose frames its nftables table looks at: a tap is
 * filtered from the moment at which it is in its bridge, and nothing else has to be kept in step.
 */
export const FILTERED_GROUP = 7_433_314;
/** The agent's own nftables table, of the family bridge. */
export const TAP_FILTER_TABLE = 'quantum-linuxbridge-agent';
const LABEL_PREFIX = 'quantum-linuxbridge-agent:';
const LABEL_LENGTH_MAX = 255;

/** `tap` and the first 11 characters of the id. */
export const tapName = (id: PortId | string): LinkName => linkName(`tap${id.slice(0, ID_PREFIX_LENGTH)}`);

/** What the device of a port is called: as the port says (Essex's gateway), or after its interface id. */
export const deviceOf = ({
  interfaceId,
  deviceName,
}: {
  readonly interfaceId: string;
  readonly deviceName: string | null;
}): LinkName => (deviceName === null ? tapName(interfaceId) : linkName(deviceName));

/** What the row of a tap's port is looked for by: its id, or what the device's name tells of it. */
export const lookedForBy = (tap: TapQuestion): string =>
  tap.by === 'id' ? tap.id : tap.by === 'suffix' ? tap.suffix : tap.device;

/** Essex gives its gateway interface ids that are themselves the name of a device, without the `tap` prefix. */
export const isGatewayName = (name: string): boolean => name.startsWith('gw-');

/** `brq` and the first 11 characters of the network id. */
export const bridgeName = (id: NetworkId): LinkName => linkName(`brq${id.slice(0, ID_PREFIX_LENGTH)}`);

/**
 * `<physical>.<vlan>`; when that is longer than the kernel allows, a hashed form that is stable and still
 * shows the VLAN: `<start of the name>-<hash>.<vlan>`.
 */
export function subinterfaceName(physical: LinkName, vlanId: number): LinkName {
  const plain = `${physical}.${vlanId}`;
  if (Buffer.byteLength(plain) <= LINK_NAME_LENGTH_MAX) return linkName(plain);
  const hash = createHash('sha256').update(physical).digest('hex').slice(0, 6);
  const tail = `-${hash}.${vlanId}`;
  const head = Buffer.from(physical).subarray(0, LINK_NAME_LENGTH_MAX - tail.length);
  return linkName(`${head.toString('latin1').replace(/[^\x21-\x7e]/g, '_')}${tail}`);
}

/** The alias that marks a bridge or subinterface as the agent's and tells its network's whole id. */
export const labelOf = (id: NetworkId): string => `${LABEL_PREFIX}${id}`.slice(0, LABEL_LENGTH_MAX);

/** The network a label names; null when the alias is not the agent's, or has no network's id behind its beginning. */
export function networkOfLabel(alias: string): NetworkId | null {
  if (!alias.startsWith(LABEL_PREFIX)) return null;
  const id = alias.slice(LABEL_PREFIX.length);
  return isUsableId(id) ? networkId(id) : null;
}

/** Exactly the form of a bridge name made from a UUID: `brq`, 8 hex digits, `-`, 2 hex digits. */
export const isExactBridgeName = (name: string): boolean => /^brq[0-9a-f]{8}-[0-9a-f]{2}$/.test(name);

/** The part of a tap's name that identifies its port; null when the device is no tap by name. */
export function tapSuffix(name: LinkName): string | null {
  return name.startsWith('tap') && name.length > 3 ? name.slice(3) : null;
}

/** Only exactly 11 characters are a prefix; a shorter suffix is a whole id. */
export const suffixMatches = (suffix: string, id: string): boolean =>
  suffix.length === ID_PREFIX_LENGTH ? id.startsWith(suffix) : id === suffix;

/** An id that may become part of a device name: printable ASCII, no `/`, no white space, at most 255 characters. */
export const isUsableId = (id: string): boolean =>
  id.length > 0 && id.length <= 255 && /^[\x21-\x2e\x30-\x7e]+$/.test(id);

/**
 * A locally administered unicast MAC for a bridge without a physical uplink. It depends only on the network
 * and the host, so it stays the same when the bridge is made again: neighbours keep it in their ARP tables.
 */
export function bridgeMac(id: NetworkId, host: string): string {
  const digest = createHash('sha256').update(`${host}/${id}`).digest();
  return ['fa', ...[...digest.subarray(0, 5)].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/**
 * The physical network of every Essex segment. That generation's schema names none: the one physical interface
 * comes from `physical_interface`, which the settings therefore map to this name.
 */
export const ESSEX_PHYSICAL_NETWORK: PhysicalNetwork = physicalNetwork('physical_interface');
