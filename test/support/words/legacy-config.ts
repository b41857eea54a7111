/** A file of a Folsom compute node as its packages left it and its operator filled it in; only the URL varies. */
export const folsomFile = (url: string): string => `[VLANS]
# (StrOpt) Type of network to allocate for tenant networks.
tenant_network_type = vlan
# Example: network_vlan_ranges = physnet1:1000:2999
network_vlan_ranges = physnet1:1000:2999

[DATABASE]
# This line MUST be changed to actually run the plugin.
sql_connection = ${url}
# Database reconnection retry times - in event connectivity is lost
# sql_max_retries = 10
# Database reconnection interval in seconds - if the initial connection to the
# database fails
reconnect_interval = 2

[LINUX_BRIDGE]
# (ListOpt) Comma-separated list of
# <physical_network>:<physical_interface> tuples mapping physical
# network names to the agent's node-specific physical network
# interfaces to be used for flat and VLAN networks.
physical_interface_mappings = physnet1:eth1

[AGENT]
# Agent's polling interval in seconds
polling_interval = 2
# Change to "sudo" to skip the filtering and just run the comand directly
root_helper = "sudo quantum-rootwrap /etc/quantum/rootwrap.conf"
rpc = False
`;
