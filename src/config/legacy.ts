import { isSettingName, SECTIONS, SETTING_NAMES, type Section, type SettingName } from './schema.js';

/** What a key of a legacy file means to this agent. */
export type Meaning =
  | { readonly kind: 'setting'; readonly name: SettingName }
  /** One of the parts that Essex wrote instead of a URL. */
  | { readonly kind: 'essex'; readonly part: EssexPart }
  | { readonly kind: 'root-helper' }
  | { readonly kind: 'rpc' }
  /** Known, and of no use to this agent: accepted without a word. */
  | { readonly kind: 'irrelevant' }
  /** `nearest` are the words it is compared with for a suggestion. */
  | { readonly kind: 'unknown'; readonly candidates: readonly string[] };

const ESSEX_PARTS = ['connection', 'name', 'user', 'pass', 'host', 'port'] as const;
export type EssexPart = (typeof ESSEX_PARTS)[number];

/** Later names of settings, from the releases that used oslo.db (Havana on). */
const ALIASES: Readonly<Record<string, SettingName>> = {
  'DATABASE.connection': 'sql_connection',
  'DATABASE.max_retries': 'sql_max_retries',
  'DATABASE.retry_interval': 'reconnect_interval',
};

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Keys of the plugin, of other agents and of oslo's libraries that share these sections, from Essex to Neutron. */
const IRRELEVANT: Readonly<Record<Section, ReadonlySet<string>>> = {
  DEFAULT: words(`
    admin_password admin_tenant_name admin_user advertise_mtu agent_down_time allow_automatic_dhcp_failover
    allow_automatic_l3agent_failover allow_bulk allow_overlapping_ips allow_pagination allow_sorting
    allowed_rpc_exception_modules amqp_auto_delete amqp_durable_queues api_extensions_path api_paste_config
    api_workers auth_ca_cert auth_region auth_strategy auth_url backdoor_port backlog base_mac bind_host bind_port
    client_socket_timeout conn_pool_min_size conn_pool_ttl control_exchange core_plugin debug default_availability_zones
    default_log_levels default_notification_level default_publisher_id dhcp_agent_notification dhcp_agents_per_network
    dhcp_confs dhcp_domain dhcp_driver dhcp_lease_duration dhcp_lease_time dhcp_load_type dns_domain
    enable_isolated_metadata enable_metadata_network enable_new_agents enable_services_on_agents_with_admin_state_down
    enable_signals executor_thread_pool_size external_dns_driver external_network_bridge fake_rabbit
    fatal_deprecations fatal_exception_format_errors filter_validation force_gateway_on_subnet global_physnet_mtu
    http_retries instance_format instance_uuid_format interface_driver ip_lib_force_root ipam_driver ipv6_pd_enabled
    kombu_reconnect_delay kombu_ssl_ca_certs kombu_ssl_certfile kombu_ssl_keyfile kombu_ssl_version
    l3_ha l3_ha_net_cidr l3_ha_network_type l3_ha_network_physical_name log_agent_heartbeats log_config
    log_config_append log_date_format log_dir log_file log_format log_options log_rotate_interval
    log_rotate_interval_type log_rotation_type logdir logfile logfile_mode logging_context_format_string
    logging_debug_format_suffix logging_default_format_string logging_exception_prefix logging_user_identity_format
    lock_path mac_generation_retries matchmaker_heartbeat_freq matchmaker_heartbeat_ttl max_allowed_address_pair
    max_dns_nameservers max_fixed_ips_per_port max_header_line max_l3_agents_per_router max_logfile_count
    max_logfile_size_mb max_routes max_subnet_host_routes metadata_proxy_group metadata_proxy_shared_secret
    metadata_proxy_socket metadata_proxy_user min_l3_agents_per_router my_ip my_ipv6 network_auto_schedule
    network_device_mtu network_link_prefix network_scheduler_driver notification_driver notification_topics
    notify_nova_on_port_data_changes notify_nova_on_port_status_changes nova_admin_auth_url nova_admin_password
    nova_admin_tenant_id nova_admin_tenant_name nova_admin_username nova_api_insecure nova_ca_certificates_file
    nova_client_cert nova_client_priv_key nova_metadata_ip nova_metadata_port nova_region_name nova_url
    ovs_integration_bridge ovs_use_veth pagination_max_limit periodic_fuzzy_delay periodic_interval
    publish_errors qpid_heartbeat qpid_hostname qpid_hosts qpid_password qpid_port qpid_protocol qpid_reconnect
    qpid_reconnect_interval qpid_reconnect_interval_max qpid_reconnect_interval_min qpid_reconnect_limit
    qpid_reconnect_timeout qpid_sasl_mechanisms qpid_tcp_nodelay qpid_username quota_driver quota_items
    rabbit_durable_queues rabbit_ha_queues rabbit_host rabbit_hosts rabbit_max_retries rabbit_password rabbit_port
    rabbit_retry_backoff rabbit_retry_interval rabbit_use_ssl rabbit_userid rabbit_virtual_host rate_limit_burst
    rate_limit_except_level rate_limit_interval report_interval retry_until_window root_helper_daemon
    router_auto_schedule router_distributed router_scheduler_driver rpc_backend rpc_cast_timeout rpc_conn_pool_size
    rpc_response_max_timeout rpc_response_timeout rpc_resources_processing_step rpc_state_report_workers
    rpc_thread_pool_size rpc_workers rpc_zmq_bind_address rpc_zmq_contexts rpc_zmq_host rpc_zmq_ipc_dir
    rpc_zmq_matchmaker rpc_zmq_port rpc_zmq_topic_backlog send_arp_for_ha send_events_interval service_plugins
    setproctitle ssl_ca_file ssl_cert_file ssl_key_file state_path syslog_log_facility tcp_keepidle transport_url
    until_refresh use_eventlog use_journal use_json use_namespaces use_ssl use_stderr use_syslog
    use_syslog_rfc_format verbose vif_type vlan_transparent watch_log_file wsgi_default_pool_size
    wsgi_keep_alive wsgi_log_format wsgi_server_debug
  `),
  DATABASE: words(`
    backend connection_debug connection_parameters connection_recycle_time connection_trace db_inc_retry_interval
    db_max_retries db_max_retry_interval db_retry_interval dbapi_use_tpool idle_timeout
    max_overflow max_pool_size min_pool_size mysql_enable_ndb mysql_sql_mode mysql_wsrep_sync_wait pool_timeout
    slave_connection sql_connection_debug sql_connection_trace sql_dbpool_enable sql_idle_timeout sql_max_overflow
    sql_max_pool_size sql_min_pool_size sqlalchemy_pool_size sqlalchemy_max_overflow sqlalchemy_pool_timeout sqlite_db
    sqlite_synchronous synchronous_reader use_db_reconnect use_tpool
  `),
  LINUX_BRIDGE: new Set(),
  VXLAN: words(`
    arp_responder l2_population multicast_ranges tos ttl udp_dstport udp_srcport_max udp_srcport_min vxlan_group
  `),
  AGENT: words(`
    agent_type arp_responder availability_zone check_child_processes_action
    check_child_processes_interval comment_iptables_rules debug_iptables_rules dscp dscp_inherit
    enable_distributed_routing explicitly_egress_direct extensions kill_scripts_path l2_population log_agent_heartbeats
    prevent_arp_spoofing quitting_rpc_timeout report_interval tunnel_csum tunnel_types use_helper_for_ns_read
    use_random_fully vxlan_udp_port
  `),
};

/** Sections of the plugin, of other programs and of libraries that stand in the same files. */
const FOREIGN_SECTIONS = words(`
  CACHE CORS DESIGNATE DHCP_AGENT EXPERIMENTAL HEALTHCHECK IRONIC KEYSTONE KEYSTONE_AUTHTOKEN L3_AGENT MACVTAP
  MATCHMAKER_REDIS MATCHMAKER_RING ML2 NETWORK_LOG NOVA OVS PLACEMENT PRIVSEP PROFILER QOS QUOTAS SECURITYGROUP
  SECURITY_GROUP SERVICE_PROVIDERS SRIOV_NIC SSL VLANS
`);
const FOREIGN_PREFIXES = ['ML2_', 'OSLO_', 'CORS.', 'PRIVSEP_', 'OVS_'];

export type SectionMeaning =
  | { readonly kind: 'ours'; readonly section: Section }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'unknown' };

export function meaningOfSection(name: string): SectionMeaning {
  const upper = name.toUpperCase();
  const section = SECTIONS.find((ours) => ours === upper);
  if (section !== undefined) return { kind: 'ours', section };
  const foreign = FOREIGN_SECTIONS.has(upper) || FOREIGN_PREFIXES.some((prefix) => upper.startsWith(prefix));
  return { kind: foreign ? 'foreign' : 'unknown' };
}

/**
 * What a key means in one of these sections. A setting is taken in any of them, so that a misplaced `read_only`
 * is never overlooked; only the short Essex words mean something in `[DATABASE]` alone (its `host` is the server).
 */
export function meaningOf(section: Section, written: string, value: string): Meaning {
  const key = written.toLowerCase();
  if (section === 'DATABASE') {
    // Havana's `connection` is a URL, that of Essex only the kind of database.
    const part =
      key === 'connection' && value.includes('://') ? undefined : ESSEX_PARTS.find((known) => known === key);
    if (part !== undefined) return { kind: 'essex', part };
  }
  const alias = ALIASES[`${section}.${key}`];
  if (alias !== undefined) return { kind: 'setting', name: alias };
  if (isSettingName(key)) return { kind: 'setting', name: key };
  if (key === 'root_helper' || key === 'root_helper_daemon') return { kind: 'root-helper' };
  if (key === 'rpc' && section === 'AGENT') return { kind: 'rpc' };
  if (IRRELEVANT[section].has(key)) return { kind: 'irrelevant' };
  const essex = section === 'DATABASE' ? ESSEX_PARTS : [];
  return { kind: 'unknown', candidates: [...SETTING_NAMES, ...essex, ...IRRELEVANT[section]] };
}
