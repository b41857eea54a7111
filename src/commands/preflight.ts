import type { HostFacts, OtherAgent } from '../kernel/facts.js';
import { type Link, linkCalled } from '../model/index.js';
import { WARNINGS } from '../model/warning.js';
import { count } from '../model/words.js';
import { type PreflightResult, result } from './preflight-result.js';
import { type NetworkInput, networkResults } from './preflight-tunnels.js';

/** Everything about the host that the settings do not say. */
export interface Preflight {
  readonly facts: HostFacts;
  /** null: not known, because this process may not ask the kernel. */
  readonly vlans: boolean | null;
  /** null: not known, as above. */
  readonly neutronChains: readonly string[] | null;
}

/** What the preflight judges by. `generation` is null when the database did not answer. */
export interface PreflightInput extends Preflight, Omit<NetworkInput, 'udpPorts'> {
  readonly dropTaggedFrames: boolean;
  readonly firewallDriver: string | null;
  /** Files with the password that every user of this host may read. */
  readonly openSecrets: readonly string[];
  readonly generation: string | null;
}

/** Whether this host is fit for the agent, the gravest things first. Pure. */
export function preflight(input: PreflightInput): readonly PreflightResult[] {
  const results = [
    ...otherAgentResults(input.facts.otherAgents),
    ...filterResults(input),
    ...networkResults({ ...input, udpPorts: input.facts.udpPorts }),
    ...input.openSecrets.map((path) =>
      result('PASSWORD_READABLE', `Every user of this host may read ${path}, which holds the password.`),
    ),
    ...kernelResults(input),
    ...mappedLinks(input).flatMap((link) => linkResults(link, input.facts)),
    ...novaResults(input),
  ];
  return [...results.filter(isFinding), ...results.filter((result) => !isFinding(result))];
}

const isFinding = ({ weight }: PreflightResult): boolean => weight === 'finding';

/** One for each agent beside this one. */
export const otherAgentResults = (agents: readonly OtherAgent[]): PreflightResult[] =>
  agents.map(({ pid, command }) =>
    result('OTHER_AGENT_RUNS', `Process ${pid} is another LinuxBridge agent: ${command}.`),
  );

function filterResults({ firewallDriver, neutronChains }: PreflightInput): PreflightResult[] {
  const results: PreflightResult[] = [];
  if (firewallDriver !== null) {
    results.push({
      weight: 'finding',
      code: 'FIREWALL_NOT_ENFORCED',
      message: `firewall_driver is ${firewallDriver}, and this agent filters nothing.`,
      remedy: WARNINGS.FIREWALL_NOT_ENFORCED.remedy,
    });
  }
  const [chain] = neutronChains ?? [];
  if (chain !== undefined && neutronChains !== null) {
    const said = `${count(neutronChains.length, 'chain')} of Neutron’s agent`;
    results.push(result('NEUTRON_RULES_LEFT', `nftables holds ${said}, ${chain} for example.`));
  }
  return results;
}

function kernelResults({ facts, vlans, links, dropTaggedFrames }: PreflightInput): PreflightResult[] {
  const results: PreflightResult[] = [];
  if (facts.ipv6 === 'read-only') {
    results.push(
      result('IPV6_READ_ONLY', '/proc/sys/net/ipv6/conf/default/disable_ipv6 cannot be opened for writing.'),
    );
  }
  if (vlans === false) {
    results.push(result('VLAN_UNSUPPORTED', 'This kernel does not know links of the kind vlan.'));
  }
  if (dropTaggedFrames && links.tapFilter.kind === 'unsupported') {
    results.push({
      weight: 'note',
      code: 'TAGGED_FRAMES_PASS',
      message: 'This kernel has no nftables for bridges, and drop_tagged_frames is true.',
      remedy: WARNINGS.TAGGED_FRAMES_PASS.remedy,
    });
  }
  if (facts.bridgeNetfilter === true) {
    results.push(result('BRIDGE_NETFILTER_ON', 'net.bridge.bridge-nf-call-iptables is 1.'));
  }
  return results;
}

const mappedLinks = ({ physicalInterfaces, links }: PreflightInput): Link[] =>
  [...new Set(physicalInterfaces.values())].flatMap((name) => linkCalled(links, name) ?? []);

function linkResults(link: Link, facts: HostFacts): PreflightResult[] {
  const managers = facts.managersOf(link.index);
  const leased = link.addresses.filter(({ leased: hasEnd }) => hasEnd).map(({ address }) => address);
  return [
    ...(managers.length === 0
      ? []
      : [result('INTERFACE_MANAGED', `${link.name} is managed by ${managers.join(' and ')}.`)]),
    ...(leased.length === 0
      ? []
      : [result('INTERFACE_LEASED', `${link.name} has ${leased.join(', ')} for a limited time.`)]),
  ];
}

function novaResults({ generation, facts }: PreflightInput): PreflightResult[] {
  if (generation !== 'ml2' || facts.vifPluggingIsFatal === false) return [];
  const said =
    facts.vifPluggingIsFatal === null
      ? 'Nova’s configuration is not readable here; with this database vif_plugging_is_fatal must be False.'
      : '/etc/nova/nova.conf has vif_plugging_is_fatal = True.';
  return [result('VIF_PLUGGING', said)];
}
