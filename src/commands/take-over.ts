import type { HostState } from '../model/index.js';
import { isExactBridgeName, networkOfLabel } from '../model/names.js';
import { count } from '../model/words.js';
import type { Preflight } from './preflight.js';

/** What is found of an agent before this one, see `Preflight`. */
export interface Remains extends Pick<Preflight, 'facts' | 'neutronChains'> {
  readonly links: HostState;
}

const SWITCHES = 'net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0';

/**
 * What is left to do, in order, on a host that Neutron's agent serves or has served; empty where nothing of it is found.
 * Pure; etc/README.md has the same with the reasons, and the way back.
 */
export function takeOverSteps({ facts, neutronChains, links }: Remains): readonly string[] {
  const all = [...links.links.values()];
  const bridges = all.filter(({ name, alias, detail }) => {
    const isBare = detail.kind === 'bridge' && networkOfLabel(alias) === null;
    return isBare && isExactBridgeName(name);
  });
  const chains = neutronChains ?? [];
  if (facts.otherAgents.length + chains.length + bridges.length === 0) return [];
  const agents = facts.otherAgents.map(({ pid, command }) => `${command} (process ${pid})`).join(', ');
  return [
    ...(bridges.length === 0
      ? []
      : [
          `Look at plan: ${count(bridges.length, 'bridge')} as the agent before has left ${bridges.length === 1 ? 'it' : 'them'} should get labels, pinned MAC addresses and IPv6 switched off, and nothing that carries traffic.`,
        ]),
    'Look at schema check, as an account that may read all tables: ports whose binding failed, and what is asked for and not served.',
    ...(agents === '' ? [] : [`Stop and disable ${agents}.`]),
    'Start this agent, and wait until status says that it is in sync: statuses and the row in agents are its own then.',
    ...(chains.length === 0
      ? []
      : [
          `Take away the ${count(chains.length, 'chain')} of rules, and conntrack zones with them, at once; filtering ends: sysctl ${SWITCHES}; ebtables -t nat -F; ebtables -t nat -X; iptables-save | grep -v neutron-linuxbri | iptables-restore; the same with ip6tables; ipset destroy for each NIPv4… and NIPv6….`,
        ]),
  ];
}
