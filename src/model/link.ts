import type { Forwarding } from './forwarding.js';
import type { IfIndex, LinkName } from './ids.js';

/** One address on a link. */
export interface Address {
  readonly family: 'inet' | 'inet6';
  /** Text form without prefix length, for example `10.1.0.5`. */
  readonly address: string;
  readonly prefixLength: number;
  /** rtnetlink's scope number: 0 global, 200 site, 253 link, 254 host. */
  readonly scope: number;
  /** True when the address has an end of life: a DHCP lease or a router advertisement gave it. */
  readonly leased: boolean;
  /**
   * Hex of `ifaddrmsg` and its attributes as the kernel dumped them, so that a move keeps every one of them; opaque
   * outside `src/kernel/`. In a `HostState` without the lifetimes: they differ with every renewal of a lease.
   */
  readonly raw: string;
}

/** One route through a link, in any table. */
export interface Route {
  readonly family: 'inet' | 'inet6';
  /** `default` or a CIDR. */
  readonly destination: string;
  readonly gateway: string | null;
  readonly table: number;
  readonly metric: number;
  /** rtnetlink's protocol number: 2 kernel, 3 boot, 4 static, 9 ra, 16 dhcp. */
  readonly protocol: number;
  /** Hex of `rtmsg` and its attributes; opaque outside `src/kernel/`. */
  readonly raw: string;
}

/** The IPv6 settings of a link under /proc/sys/net/ipv6/conf/. */
export interface Ipv6Settings {
  readonly disabled: boolean;
  readonly acceptRa: number;
  readonly autoconf: boolean;
  readonly forwarding: boolean;
}

/** The IPv4 settings of a link that decide what the host takes from it, under /proc/sys/net/ipv4/conf/. */
export interface Ipv4Settings {
  readonly forwarding: boolean;
  readonly rpFilter: number;
  readonly arpIgnore: number;
}

/** What a VXLAN device has. Addresses as `ip` prints them. */
export interface TunnelDetail {
  readonly vni: number;
  /** The UDP port of both ends. */
  readonly port: number;
  /** The address of this host that it sends from; null: whichever the route has. */
  readonly local: string | null;
  /** The multicast group that it was made with; null: none. */
  readonly group: string | null;
  /** The link that it stands on, and dies with; null: none. */
  readonly underlay: IfIndex | null;
  /** Learns from frames which end a MAC address is behind. */
  readonly learning: boolean;
  /** Answers ARP itself, by its neighbours. */
  readonly proxy: boolean;
}

/** What only links of one kind have. */
export type LinkDetail =
  | {
      readonly kind: 'bridge';
      readonly stp: boolean;
      readonly forwardDelayMs: number;
      /** null: this kernel has no VLAN filtering. */
      readonly vlanFiltering: boolean | null;
    }
  | {
      readonly kind: 'vlan';
      /** Index of the link the subinterface stands on (IFLA_LINK). */
      readonly parent: IfIndex;
      readonly vlanId: number;
      readonly protocol: '802.1Q' | '802.1ad';
    }
  /** A VXLAN device of one VNI; one that takes VNIs from elsewhere (`external`) is `other`. */
  | ({ readonly kind: 'vxlan' } & TunnelDetail)
  /** `type` is IFLA_INFO_KIND (`tun`, `veth`, `bond`, …), empty for a physical interface. */
  | { readonly kind: 'other'; readonly type: string };

/** A link as the kernel has it now. */
export interface Link {
  readonly index: IfIndex;
  readonly name: LinkName;
  /** Other names that the kernel finds it by (IFLA_ALT_IFNAME); no link shares one with another. */
  readonly altNames: readonly string[];
  /** IFF_UP: administratively up. */
  readonly up: boolean;
  /** Lower case, colon separated; empty for links without one. */
  readonly mac: string;
  readonly mtu: number;
  /** The bridge (or bond, VRF) it is enslaved to. */
  readonly master: IfIndex | null;
  /** The device group, 0 unless somebody has set one. */
  readonly group: number;
  /** IFLA_IFALIAS, empty when there is none. */
  readonly alias: string;
  readonly detail: LinkDetail;
  /** null: the link has no IPv4 (its MTU is below 68). */
  readonly ipv4: Ipv4Settings | null;
  /** null: the host has no IPv6. */
  readonly ipv6: Ipv6Settings | null;
  readonly addresses: readonly Address[];
}

/** Which frames of guests are dropped where a tap comes in. */
export interface FrameDrops {
  readonly tagged: boolean;
  /** Frames that speak to the switch: STP, PVST, CDP, GVRP and the like. */
  readonly switchFrames: boolean;
}

/** The agent's nftables table. `altered`: it is there, and not as the agent makes it. `unknown`: this process may not ask. */
export type TapFilter =
  | { readonly kind: 'unknown' | 'unsupported' | 'absent' | 'altered' }
  | { readonly kind: 'present'; readonly drops: FrameDrops };

/** Everything the agent knows of the kernel at one moment. Never half a picture. Of equal versions there is one object. */
export interface HostState {
  /** Grows whenever anything of it changed; equal versions mean equal content. */
  readonly version: number;
  readonly links: ReadonlyMap<IfIndex, Link>;
  readonly byName: ReadonlyMap<LinkName, Link>;
  readonly tapFilter: TapFilter;
  /** What is written in the VXLAN devices; the same map as long as nothing is. */
  readonly forwarding: Forwarding;
  /** What tells it from an earlier state, so that nobody has to compare the two; null: nothing does. */
  readonly changes: LinkChanges | null;
}

/** The links that came, went or changed since the state of this version. */
export interface LinkChanges {
  readonly since: HostState['version'];
  readonly indexes: ReadonlySet<IfIndex>;
}

/**
 * The link that an operator calls so: by its name, else by another name that it has. Only for names that people wrote;
 * those that the agent derives (taps, bridges, subinterfaces) are true names.
 */
export function linkCalled({ byName, links }: HostState, name: LinkName): Link | undefined {
  return byName.get(name) ?? [...links.values()].find(({ altNames }) => altNames.includes(name));
}
