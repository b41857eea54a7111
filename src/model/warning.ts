import type { LinkName, NetworkId, PortId } from './ids.js';

/**
 * Every warning the agent can give, with what is behind it and what to do. Logs, `plan`, `once` and the
 * documentation all read this one list.
 */
export const WARNINGS = {
  PORT_BAD_ROW: {
    cause:
      'A row in ports (or its binding) holds a value that cannot be used, such as NULL or an id that cannot be part of a device name.',
    remedy: 'Correct or delete the row; every other port is served meanwhile.',
  },
  PORT_AMBIGUOUS: {
    cause:
      'Two ports share the 11 characters that the tap is named after, and their hosts do not tell which is meant.',
    remedy: 'Delete one of the two ports and create it again, so that it gets another id.',
  },
  PORT_BOUND_ELSEWHERE: {
    cause:
      'The tap is here, but the database binds its port to another host (a live migration may be under way).',
    remedy:
      'Wait for the migration to end; else correct the binding, or the agent setting host when the name is this host under another spelling.',
  },
  PORT_OTHER_DRIVER: {
    cause: 'The port is bound by another mechanism driver (vif_type is not bridge).',
    remedy: 'Bind the port again with the LinuxBridge driver.',
  },
  PORT_UNBOUND: {
    cause: 'The tap is here, and the server has bound its port to no driver (vif_type is unbound).',
    remedy: 'Set the host of the port, so that the server binds it; wait where Nova is about to do so.',
  },
  PORT_BINDING_FAILED: {
    cause:
      'The server found nobody to bind the port on this host (vif_type is binding_failed), most often because the heartbeat of this agent was older than 75 s when the port was made or moved. It stays so until the port is changed.',
    remedy:
      'While this agent is alive (`fleet`), have the server bind it again: `openstack port set --description rebind PORT`; where the message gives a reason, mend that first. Start this agent before nova-compute.',
  },
  PORT_SEGMENT_DIFFERS: {
    cause:
      'The ports of one network name different segments on this host, and the bridge of the network has one uplink.',
    remedy:
      'Bind the ports of the network to one segment on each host; until then all of them are behind the one that is in place.',
  },
  NETWORK_BINDING_MISSING: {
    cause: 'The network of a port that has its tap here has no binding (segment) row.',
    remedy: 'Insert the binding row or delete the network with its ports; taps already wired stay wired.',
  },
  BINDING_INVALID: {
    cause: 'The binding row of a network cannot be understood.',
    remedy: 'Correct the row; the message names the column and its value.',
  },
  VLAN_ID_INVALID: {
    cause: 'The VLAN id of a network is neither 1..4094 nor -1 (flat) nor -2 (local).',
    remedy: 'Correct vlan_id in the binding row.',
  },
  PHYSICAL_NETWORK_MISSING: {
    cause: 'A flat or VLAN network has no physical network in its binding row.',
    remedy: 'Set physical_network in the binding row.',
  },
  PHYSICAL_NETWORK_UNMAPPED: {
    cause: 'No physical interface of this host is mapped to the physical network.',
    remedy:
      'Add it to physical_interface_mappings (or bridge_mappings), or move the port to a host that has it.',
  },
  PHYSICAL_INTERFACE_MISSING: {
    cause: 'The interface that the physical network is mapped to does not exist on this host.',
    remedy:
      'Bring the interface back or correct the mapping; the agent wires the network as soon as it is there.',
  },
  PHYSICAL_INTERFACE_ENSLAVED: {
    cause: 'The mapped interface is a port of a bridge, bond or VRF that is not the agent’s.',
    remedy: 'Map that bridge with bridge_mappings (or the bond itself), or free the interface.',
  },
  PHYSICAL_INTERFACE_UNUSABLE: {
    cause: 'The mapped interface cannot be a bridge port: it is itself a bridge or the loopback.',
    remedy:
      'Name the physical interface in physical_interface_mappings; a bridge belongs in bridge_mappings.',
  },
  BRIDGE_MAPPING_MISSING: {
    cause: 'The bridge named in bridge_mappings does not exist on this host, or is no bridge.',
    remedy:
      'Create the bridge, or correct bridge_mappings; the agent never makes or changes a mapped bridge.',
  },
  SEGMENT_TYPE_UNSUPPORTED: {
    cause:
      'The network is of a type that this agent cannot make, or of type vxlan on a host with enable_vxlan = false. There it is served where its bridge still holds its tunnel device, as Neutron’s agent has made it.',
    remedy:
      'Use a flat, VLAN, VXLAN or local network for the ports of this host, or set enable_vxlan = true and local_ip.',
  },
  SEGMENT_CONFLICT: {
    cause:
      'Two networks ask for the same uplink: the same VLAN, or the same physical network flat; or a tap that is not known to be its own is still in the mapped bridge of a network.',
    remedy:
      'Give one of the two networks another VLAN id or delete it; the one that works stays in place. A tap whose removal is held leaves with quantum-linuxbridge-agent accept.',
  },
  NETWORK_PREFIX_CONFLICT: {
    cause: 'Two networks share the 11 characters that the bridge is named after.',
    remedy: 'Delete one of the two networks and create it again, so that it gets another id.',
  },
  BRIDGE_FOREIGN: {
    cause: 'A device that is not the agent’s has the name of the bridge that a network needs.',
    remedy: 'Rename or delete that device; the agent does not touch it.',
  },
  SUBINTERFACE_FOREIGN: {
    cause:
      'The VLAN of a network is held by a device that is not the agent’s, or one that carries the host’s own addresses.',
    remedy: 'Free the VLAN id on that interface, or put the existing bridge into bridge_mappings.',
  },
  BRIDGE_NOT_DELETED: {
    cause:
      'The network is gone or elsewhere now, but its bridge holds a foreign device, or addresses that the agent did not move there.',
    remedy: 'Take the device or the addresses out of the bridge; the agent deletes it in its next pass.',
  },
  TAP_IN_FOREIGN_BRIDGE: {
    cause: 'The tap of a port is in a bridge that is not the agent’s.',
    remedy: 'Take the tap out of that bridge; the agent wires it in its next pass.',
  },
  FLAT_ADDRESS_MOVE_REFUSED: {
    cause: 'The interface of a flat network carries addresses, and flat_address_move is refuse.',
    remedy:
      'Put the addresses on a bridge of your own and name it in bridge_mappings, or set flat_address_move = move.',
  },
  FIREWALL_NOT_ENFORCED: {
    cause:
      'Nova was told that ports of this host are filtered (security groups, no spoofed addresses), and this agent filters nothing.',
    remedy:
      'Set enable_security_group = False for the neutron-server, so that nobody is told otherwise, and filter outside of the hosts; or leave these ports to a host whose agent filters.',
  },
  QOS_NOT_SERVED: {
    cause:
      'Ports of this host have a QoS policy, their own or their network’s, and this agent shapes no traffic.',
    remedy:
      'Take the policy from these ports and networks (`schema check` has the SELECT that shows them), limit traffic outside of the hosts, or leave these ports to a host whose agent shapes it.',
  },
  TRUNK_NOT_SERVED: {
    cause:
      'Ports of this host belong to trunks. A parent is wired as any port is; its subports are not, and the trunk stays DOWN.',
    remedy: 'Give the guest a port of its own on each of the networks, and delete the trunk.',
  },
  ADDRESS_PAIRS_NOT_ENFORCED: {
    cause:
      'Ports of this host have allowed address pairs, and this agent filters nothing: their guests may use every address.',
    remedy: 'As for FIREWALL_NOT_ENFORCED; nothing, where it is accepted that guests are not filtered.',
  },
  VLAN_TRANSPARENCY_NOT_SERVED: {
    cause:
      'Ports of this host are on networks that are VLAN-transparent, and tagged frames of guests are dropped there as on any other network.',
    remedy:
      'Make a network for each VLAN; or set drop_tagged_frames = false on this host, where its guests may be trusted with the tags of all its bridges.',
  },
  DVR_NOT_SERVED: {
    cause:
      'Ports of this host belong to a distributed router (DVR), which the LinuxBridge driver does not have.',
    remedy: 'Make the router a legacy or a highly available one (`distributed` false).',
  },
  MTU_EXCEEDS_UPLINK: {
    cause:
      'The MTU of a network is larger than that of the interface that leads to it: its large packets are lost.',
    remedy: 'Raise the MTU of the interface (and of what is behind it), or lower that of the network.',
  },
  VTEP_UNKNOWN: {
    cause:
      'A port of a VXLAN network is bound to a host of which nobody knows where its tunnels end: it has no row in agents, or one without a usable tunneling_ip.',
    remedy:
      'Start the agent of that host with its local_ip; what leads to the host already stays until the row is there.',
  },
  VTEP_DUPLICATE: {
    cause: 'Two hosts say that their tunnels end at one address; only one of them can have it.',
    remedy: 'Correct local_ip on one of the hosts, or delete the row in agents of one that is gone.',
  },
  VXLAN_LOCAL_IP_MISSING: {
    cause: 'A VXLAN network has a tap here, and local_ip is not set or is on no interface of this host.',
    remedy:
      'Set local_ip in [VXLAN] to an address of this host that the other hosts reach; tunnels that are there stay as they are.',
  },
  VXLAN_DEVICE_FOREIGN: {
    cause:
      'A device that is not the agent’s has the name or the VNI of the tunnel that a network needs, or has addresses on it.',
    remedy:
      'Rename or delete that device, or take its addresses away; every other network is served meanwhile.',
  },
  VXLAN_PORT_TAKEN: {
    cause: 'Another program listens at the UDP port of the tunnels, which cannot be brought up then.',
    remedy:
      'Stop the other program, or write as udp_dstport the port that the tunnels of all hosts of this cloud have.',
  },
  VXLAN_DEVICE_DIFFERS: {
    cause:
      'A tunnel that is in use was made with another UDP port, as a proxy for ARP, or with another multicast group; that cannot be changed while it is there.',
    remedy:
      'It is used as it is. To make it again, which interrupts its network for some milliseconds, run quantum-linuxbridge-agent accept.',
  },
  VXLAN_MTU_TOO_SMALL: {
    cause:
      'The MTU of a VXLAN network leaves no room for the tunnel on the interface that has local_ip: its large packets are lost.',
    remedy:
      'Raise the MTU of the interface (and of what is behind it) by 50 (IPv6: 70) above that of the network, or lower that of the network.',
  },
  ADDRESS_LEASED: {
    cause: 'An address with a lifetime (a DHCP lease) has to move to the bridge of a flat network.',
    remedy:
      'Run the DHCP client on the bridge, or use bridge_mappings with a bridge that has its own client.',
  },
  TAGGED_FRAMES_PASS: {
    cause:
      'This kernel has no nftables for bridges, so that frames of guests with several tags, and those to the switch (STP, CDP, GVRP), are not dropped; without VLAN filtering neither are those with one tag.',
    remedy:
      'Use a kernel with CONFIG_NF_TABLES_BRIDGE, or set drop_tagged_frames = false and drop_switch_frames = false to accept it.',
  },
  REMOVALS_HELD: {
    cause: 'The database asks to remove more than the guard lets pass, or its answer may be incomplete.',
    remedy:
      'Look at what is held (status); when the database is right, run quantum-linuxbridge-agent accept with its fingerprint.',
  },
  DATABASE_WENT_BACK: {
    cause:
      'The database is older than it was: a replica that lags behind has taken over, or an older dump was restored.',
    remedy:
      'Bring the lost rows back. Nothing is removed meanwhile; what is held and meant goes ahead with quantum-linuxbridge-agent accept.',
  },
  REPAIR_UNDONE: {
    cause: 'The same repair is undone again and again: something else on this host changes the same devices.',
    remedy: 'Stop the other agent or the network manager that owns the device.',
  },
  OPERATION_FAILED: {
    cause: 'The kernel refused an operation.',
    remedy: 'Look at the message; the agent tries again in its next pass.',
  },
  ROOT_HELPER_IGNORED: {
    cause: 'root_helper is set; this agent starts no commands and needs none.',
    remedy: 'Remove the line; the agent needs CAP_NET_ADMIN.',
  },
  ARP_RESPONDER_IGNORED: {
    cause:
      'arp_responder is true in [VXLAN]; this agent never lets a tunnel answer ARP, since addresses that the database does not know could not be reached then.',
    remedy: 'Remove the line, or write arp_responder = false; nothing is lost by it.',
  },
  EXTENSIONS_IGNORED: {
    cause: 'extensions names extensions of Neutron’s agent (qos, fdb), and this agent has none.',
    remedy: 'Remove the line; ports that ask for what is not served have warnings of their own.',
  },
  SETTING_UNKNOWN: {
    cause: 'A configuration file holds a setting that this agent does not know.',
    remedy: 'Correct its spelling or remove it; the message names the nearest known one.',
  },
} as const satisfies Record<string, { cause: string; remedy: string }>;

export type WarningCode = keyof typeof WARNINGS;

/** One warning of a pass. `message` names what is concerned, in one sentence. */
export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
  readonly port?: PortId;
  readonly network?: NetworkId;
  readonly device?: LinkName;
}
