import * as v from 'valibot';
import {
  isUsableId,
  linkName,
  type Network,
  networkId,
  type Port,
  physicalNetwork,
  portId,
  type Segment,
} from '../../model/index.js';
import type { Shape } from './foreign.js';

/**
 * What the words of the model look like where they come back from outside. A field that a later version adds has a
 * default here: what earlier ones have written is then still understood.
 */

export const PORT_ID = v.pipe(v.string(), v.transform(portId));
export const NETWORK_ID = v.pipe(v.string(), v.transform(networkId));
export const LINK_NAME = v.pipe(v.string(), v.transform(linkName));
export const PHYSICAL_NETWORK = v.pipe(v.string(), v.transform(physicalNetwork));

/** What is wired from becomes part of a device's name. */
const USABLE_ID = v.pipe(v.string(), v.check(isUsableId));
const VLAN_ID = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4094));

export const SEGMENT = v.variant('kind', [
  v.object({ kind: v.literal('local') }),
  v.object({ kind: v.literal('flat'), physicalNetwork: PHYSICAL_NETWORK }),
  v.object({ kind: v.literal('vlan'), physicalNetwork: PHYSICAL_NETWORK, vlanId: VLAN_ID }),
  v.object({ kind: v.literal('vxlan'), vni: v.number() }),
  v.object({ kind: v.literal('unsupported'), type: v.string() }),
  v.object({
    kind: v.literal('bad'),
    code: v.picklist(['VLAN_ID_INVALID', 'PHYSICAL_NETWORK_MISSING', 'BINDING_INVALID']),
    problem: v.string(),
  }),
]) satisfies Shape<Segment>;

const BINDING = v.variant('kind', [
  v.object({ kind: v.picklist(['here', 'unhosted', 'arriving']) }),
  v.object({ kind: v.picklist(['elsewhere', 'standby']), host: v.string() }),
  v.object({ kind: v.literal('other-driver'), vifType: v.string() }),
]) satisfies Shape<Port['binding']>;

export const PORT = v.object({
  id: v.pipe(USABLE_ID, v.transform(portId)),
  interfaceId: v.string(),
  deviceName: v.nullable(v.string()),
  networkId: v.pipe(USABLE_ID, v.transform(networkId)),
  adminUp: v.boolean(),
  status: v.nullable(v.string()),
  statusWords: v.object({ active: v.string(), down: v.string() }),
  binding: BINDING,
  pluggedByHypervisor: v.boolean(),
  filterExpected: v.optional(v.boolean(), false),
  segment: v.nullable(SEGMENT),
}) satisfies Shape<Port>;

export const NETWORK = v.object({
  id: v.pipe(USABLE_ID, v.transform(networkId)),
  rowPresent: v.boolean(),
  segments: v.array(SEGMENT),
  mtu: v.nullable(v.number()),
}) satisfies Shape<Network>;
