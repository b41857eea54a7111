import type { NetworkId, PhysicalNetwork, PortId } from './ids.js';

/** Where the database says a port is served; each generation's file translates its own columns to this. */
export type Binding =
  /** Bound to this host. */
  | { readonly kind: 'here' }
  /** The generation has no hosts, or this port has no host row or an empty host: as if bound here. */
  | { readonly kind: 'unhosted' }
  /** An INACTIVE row for this host: the destination of a live migration. Wired, no status written. */
  | { readonly kind: 'arriving' }
  | { readonly kind: 'elsewhere'; readonly host: string }
  /** A service's port (`network:…`) that is bound to another host: a standby router here has its tap too. Wired, no status written. */
  | { readonly kind: 'standby'; readonly host: string }
  /** `vif_type` is not this agent's: another driver, `unbound` or `binding_failed`. */
  | { readonly kind: 'other-driver'; readonly vifType: string };

/** One port row with what belongs to it, in the words every generation shares. */
export interface Port {
  readonly id: PortId;
  /** What the device is called after `tap`; the whole device name when `deviceName` is set. */
  readonly interfaceId: string;
  /** Essex only: `gw-…` interface ids are themselves the device name. */
  readonly deviceName: string | null;
  readonly networkId: NetworkId;
  readonly adminUp: boolean;
  /** As it stands in the table, in the generation's own words; null when the column is NULL. */
  readonly status: string | null;
  /** The words of this generation for wired and not wired. */
  readonly statusWords: { readonly active: string; readonly down: string };
  readonly binding: Binding;
  /** `compute:…`, Grizzly or later: libvirt plugs the tap itself, see `plug_grace`. */
  readonly pluggedByHypervisor: boolean;
  /** ML2: Nova was told that the port is filtered on its host (security groups, no spoofed addresses). */
  readonly filterExpected: boolean;
  /** ML2: the segment this port's binding names; null: the network's own (see `Network.segments`). */
  readonly segment: Segment | null;
}

/** How a network reaches the wire. */
export type Segment =
  | { readonly kind: 'local' }
  | { readonly kind: 'flat'; readonly physicalNetwork: PhysicalNetwork }
  | { readonly kind: 'vlan'; readonly physicalNetwork: PhysicalNetwork; readonly vlanId: number }
  /** Not made here; one whose tunnel device is in its bridge is served. */
  | { readonly kind: 'vxlan'; readonly vni: number }
  /** A kind we cannot make, `type` in the database's words. */
  | { readonly kind: 'unsupported'; readonly type: string }
  /** A row that makes no sense (a NULL, an impossible VLAN id); `problem` says what, in one clause. */
  | {
      readonly kind: 'bad';
      readonly code: 'VLAN_ID_INVALID' | 'PHYSICAL_NETWORK_MISSING' | 'BINDING_INVALID';
      readonly problem: string;
    };

/** A network as far as the database knows it. */
export interface Network {
  readonly id: NetworkId;
  /** Whether `networks` has the row. A network is gone only when this is false and `segments` is empty. */
  readonly rowPresent: boolean;
  /** The binding rows: none or one before ML2, several with multi-segment networks. */
  readonly segments: readonly Segment[];
  readonly mtu: number | null;
}
