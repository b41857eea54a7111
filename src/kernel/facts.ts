import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { IfIndex } from '../model/ids.js';

/** What of this host matters to the agent beside its links. Everything is read; nothing is changed or started. */
export interface HostFacts {
  /** Whether `disable_ipv6` can be written, without which guests' router advertisements reach the host. */
  readonly ipv6: 'missing' | 'writable' | 'read-only';
  /** Whether bridged frames pass the host's iptables (`bridge-nf-call-iptables`); null: br_netfilter is not loaded. */
  readonly bridgeNetfilter: boolean | null;
  /** As the kernel's own configuration says; null: it says nothing. */
  readonly vlanFiltering: boolean | null;
  /** Other LinuxBridge agents in this network namespace. */
  readonly otherAgents: readonly OtherAgent[];
  /** `vif_plugging_is_fatal` as Nova's file on this host has it; null: there is no such file, or it does not say. */
  readonly vifPluggingIsFatal: boolean | null;
  /** UDP ports of this network namespace at which somebody listens, the kernel's own tunnels among them. */
  readonly udpPorts: ReadonlySet<number>;
  /** What else configures this link: NetworkManager, systemd-networkd. */
  managersOf(index: IfIndex): readonly string[];
}

export interface OtherAgent {
  readonly pid: number;
  /** Its program, without arguments: a password may be among them. */
  readonly command: string;
}

/** A process's command line, which anybody may fill, is cut. */
const COMMAND_LENGTH_MAX = 120;

/** Reads the facts under `root`, which is `/` but in tests. Never throws: what cannot be read is not known. */
export const readFacts = (root = '/'): HostFacts => ({
  ipv6: ipv6Of(root),
  bridgeNetfilter: switchIn(join(root, 'proc/sys/net/bridge/bridge-nf-call-iptables')),
  vlanFiltering: vlanFilteringOf(root),
  otherAgents: otherAgents(root),
  vifPluggingIsFatal: vifPluggingOf(root),
  udpPorts: udpPortsOf(root),
  managersOf: (index) => managersOf(root, index),
});

/** The text of a file; null when it is not there or not for us to read. */
function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not there and not permitted are the same to the caller: it is not known.
    return null;
  }
}

function switchIn(path: string): boolean | null {
  const text = textOf(path)?.trim();
  return text === undefined ? null : text !== '0';
}

function ipv6Of(root: string): HostFacts['ipv6'] {
  const path = join(root, 'proc/sys/net/ipv6/conf/default/disable_ipv6');
  if (textOf(path) === null) return 'missing';
  try {
    // Opening is what is refused on a read-only /proc/sys; nothing is written.
    closeSync(openSync(path, 'r+'));
    return 'writable';
  } catch {
    return 'read-only';
  }
}

/** Whether bridges can filter VLANs, by the kernel's configuration where the distribution left it; null: not known. */
export function vlanFilteringOf(root = '/'): boolean | null {
  const text = configurationOf(root);
  return text === null ? null : /^CONFIG_BRIDGE_VLAN_FILTERING=y$/m.test(text);
}

function configurationOf(root: string): string | null {
  try {
    return gunzipSync(readFileSync(join(root, 'proc/config.gz'))).toString('utf8');
  } catch {
    return textOf(join(root, `boot/config-${release()}`));
  }
}

/** The second column of each line is the local address and, behind a colon, the port, both in hexadecimal. */
const udpPortsOf = (root: string): ReadonlySet<number> =>
  new Set(
    ['udp', 'udp6']
      .flatMap((name) => (textOf(join(root, 'proc/self/net', name)) ?? '').split('\n').slice(1))
      .map((line) => Number.parseInt(line.trim().split(/\s+/)[1]?.split(':')[1] ?? '', 16))
      .filter((port) => !Number.isNaN(port)),
  );

function managersOf(root: string, index: IfIndex): string[] {
  const networkd = textOf(join(root, `run/systemd/netif/links/${index}`));
  const manager = textOf(join(root, `run/NetworkManager/devices/${index}`));
  // A link that networkd leaves alone has a file as well.
  const isNetworkd = networkd !== null && !/^ADMIN_STATE=unmanaged$/m.test(networkd);
  const isManager = manager !== null && /^managed=(true|1)$/m.test(manager);
  return [...(isManager ? ['NetworkManager'] : []), ...(isNetworkd ? ['systemd-networkd'] : [])];
}

const AGENT_NAMES = ['neutron-linuxbridge-agent', 'quantum-linuxbridge-agent'];
/** Seconds after its start Neutron's agent gives itself a title, which makes its whole command line one word. */
const AGENT_TITLE = /^(neutron|quantum)-linuxbridge-agent(?=[ :(]|$)/;
/** What the kernel calls their processes: by the script, cut, or by what runs it. Of others not even the command line is read, which may wait for them. */
const AGENT_PROCESS = /^(python|neutron-linuxbr|quantum-linuxbr)/;

/**
 * Processes of the agents that this one replaces: scripts in Python, or a process that calls itself so. This one has the
 * name of one of them, so that Node, and whatever starts it (`sudo`, `timeout`, a shell), may have it among their words.
 */
export function otherAgents(root = '/'): OtherAgent[] {
  const folder = join(root, 'proc');
  const namespace = linkOf(join(folder, 'self/ns/net'));
  return entriesOf(folder).flatMap((entry) => {
    if (!/^\d+$/.test(entry) || !AGENT_PROCESS.test(textOf(join(folder, entry, 'comm')) ?? '')) return [];
    const words = (textOf(join(folder, entry, 'cmdline')) ?? '').split('\0').filter((word) => word !== '');
    const title = AGENT_TITLE.exec(words[0] ?? '')?.[0];
    const last =
      title === undefined ? words.slice(0, 3).findIndex((word) => AGENT_NAMES.includes(basename(word))) : 0;
    const program = basename(linkOf(join(folder, entry, 'exe')) ?? words[0] ?? '');
    const home = linkOf(join(folder, entry, 'ns/net'));
    const isElsewhere = home !== null && namespace !== null && home !== namespace;
    const isAgent = last === 0 || (last > 0 && /^python/.test(program));
    if (!isAgent || isElsewhere || /^node/.test(program)) return [];
    return [
      {
        pid: Number(entry),
        command: (title ?? words.slice(0, last + 1).join(' ')).slice(0, COMMAND_LENGTH_MAX),
      },
    ];
  });
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function vifPluggingOf(root: string): boolean | null {
  const text = textOf(join(root, 'etc/nova/nova.conf'));
  const value = [...(text ?? '').matchAll(/^vif_plugging_is_fatal\s*[=:]\s*(\w+)/gim)].at(-1)?.[1];
  return value === undefined ? null : !/^(false|no|off|0)$/i.test(value);
}
