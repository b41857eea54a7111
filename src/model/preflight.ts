/**
 * What `config check` looks for on the host beside its settings. A `finding` will hurt and makes the check fail; a `note`
 * may be right as it is, and somebody should know. With what is behind each and what to do, as in `WARNINGS`.
 */
export const PREFLIGHT = {
  OTHER_AGENT_RUNS: {
    weight: 'finding',
    cause: 'Another LinuxBridge agent runs in this network namespace; the two would undo each other’s work.',
    remedy: 'Stop and disable the other agent; what it has wired is taken over as it is.',
  },
  NEUTRON_RULES_LEFT: {
    weight: 'finding',
    cause:
      'Rules of Neutron’s agent are in this host’s iptables or ebtables. Nobody keeps them up any more: old guests stay filtered by rules of the past, new ones are cut off from them.',
    remedy:
      'When the old agent is stopped for good, take its rules away at once: “Taking over from Neutron’s agent” in etc/README.md has the commands. Filtering ends with them.',
  },
  VXLAN_IN_USE: {
    weight: 'finding',
    cause:
      'Bridges of this host hold tunnels, and by its settings this agent serves none (enable_vxlan, local_ip). They carry on as they are; none is made, and no host is added to them or taken out.',
    remedy:
      'Write enable_vxlan = true, and as local_ip the address of this host at which its tunnels end; do not delete the vxlan devices.',
  },
  IPV6_READ_ONLY: {
    weight: 'finding',
    cause:
      'disable_ipv6 cannot be written, so router advertisements of guests could give this host addresses and routes.',
    remedy:
      'Run as root or with CAP_NET_ADMIN, without ProtectKernelTunables, and with a /proc/sys that can be written.',
  },
  PASSWORD_READABLE: {
    weight: 'note',
    cause: 'A file that holds the password of the database may be read by every user of this host.',
    remedy: 'chmod o-rwx the file, and let the group of the agent’s user read it (chgrp, chmod 0640).',
  },
  VLAN_UNSUPPORTED: {
    weight: 'note',
    cause: 'This kernel cannot make VLAN subinterfaces, so that ports of VLAN networks are not wired.',
    remedy: 'Load the module 8021q, or use a kernel with CONFIG_VLAN_8021Q, if the cloud has VLAN networks.',
  },
  BRIDGE_NETFILTER_ON: {
    weight: 'note',
    cause:
      'bridge-nf-call-iptables is on: frames between guests pass the FORWARD chain of this host, whose policy may drop them.',
    remedy:
      'Set net.bridge.bridge-nf-call-iptables = 0, unless rules on this host are meant to filter guests’ traffic.',
  },
  INTERFACE_MANAGED: {
    weight: 'note',
    cause:
      'A network manager configures a mapped interface; it may put addresses back that a flat network has moved to its bridge, or take the interface down.',
    remedy:
      'Let it leave the interface alone (NetworkManager: unmanaged-devices; systemd-networkd: Unmanaged=yes), or name a bridge of its own in bridge_mappings. For VLAN networks alone nothing needs to change.',
  },
  INTERFACE_LEASED: {
    weight: 'note',
    cause:
      'A mapped interface has an address with a lifetime (DHCP or router advertisement); if a flat network uses the interface, nobody renews it on the bridge.',
    remedy:
      'Give the host a fixed address, run the DHCP client on the bridge, or use bridge_mappings. For VLAN networks alone nothing needs to change.',
  },
  VIF_PLUGGING: {
    weight: 'note',
    cause:
      'A status written into the database sends no network-vif-plugged event, and Nova waits for one before it starts an instance.',
    remedy:
      'Set vif_plugging_is_fatal = False and vif_plugging_timeout = 0 in nova.conf of every compute host.',
  },
} as const satisfies Record<string, { weight: 'finding' | 'note'; cause: string; remedy: string }>;

export type PreflightCode = keyof typeof PREFLIGHT;
