import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../databases/servers.js';
import { bridgeOf, masterOf, tapOf } from '../host/host.js';
import { ip, ipLink, makeTap } from '../host/netns.js';
import type { ApiPort } from './api.js';
import type { Neutron } from './server.js';

/** A host of the cloud. */
export interface CloudHost {
  readonly name: string;
  readonly namespace: string;
  /** Served by our agent, else by Neutron's, which takes its server along when it is killed. */
  readonly isOurs: boolean;
  /** `kill -9` of its agent, and a new one. */
  restart(): Promise<void>;
}

/** A port that the script has made. */
interface Port {
  readonly id: string;
  readonly network: string;
  /** A machine's port migrates, others are moved. */
  readonly isMachine: boolean;
  host: CloudHost;
  isUp: boolean;
  /** Where its tap is; null: nowhere. */
  tapAt: CloudHost | null;
}

const PORTS_MAX = 24;
/** Fewer are not deleted: there has to be something that things can happen to. */
const PORTS_MIN = 10;
const PAUSE_MAX_MS = 400;

export interface Script {
  readonly neutron: Neutron;
  readonly hosts: readonly CloudHost[];
  readonly networks: readonly string[];
  readonly random: () => number;
}

/** What the script has done, how often, and what it has left. */
export interface Played {
  readonly acts: ReadonlyMap<string, number>;
  readonly ports: readonly Port[];
}

/** Makes, moves, migrates, plugs, disables and deletes ports, and kills agents, one thing after another for so long. */
export async function play(script: Script, forMs: number): Promise<Played> {
  const ports: Port[] = [];
  const acts = new Map<string, number>();
  const pick = <Item>(items: readonly Item[]): Item | undefined =>
    items[Math.floor(script.random() * items.length)];
  for (const endMs = performance.now() + forMs; performance.now() < endMs; ) {
    const [name, act] = pick(Object.entries(ACTS)) ?? [];
    if (name === undefined || act === undefined) continue;
    if (await act({ ...script, ports, pick })) acts.set(name, (acts.get(name) ?? 0) + 1);
    await delay(script.random() * PAUSE_MAX_MS);
  }
  return { acts, ports };
}

interface Now extends Script {
  readonly ports: Port[];
  pick<Item>(items: readonly Item[]): Item | undefined;
}

function plug(port: Port, host: CloudHost): void {
  makeTap(host.namespace, tapOf(port.id));
  ip(host.namespace, 'link', 'set', tapOf(port.id), 'up');
  port.tapAt = host;
}

function unplug(port: Port): void {
  if (port.tapAt !== null) ip(port.tapAt.namespace, 'link', 'del', tapOf(port.id));
  port.tapAt = null;
}

/** In the order in which either may happen. */
async function inEitherOrder(random: () => number, one: () => unknown, other: () => unknown): Promise<void> {
  for (const act of random() < 0.5 ? [one, other] : [other, one]) await act();
}

/** So often, of the times that it is this one's turn. */
async function kill({ hosts, pick, random }: Now, share: number): Promise<boolean> {
  const host = random() < share ? pick(hosts) : undefined;
  await host?.restart();
  return host !== undefined;
}

/** Each says whether there was anything that it could be done to. */
const ACTS: Readonly<Record<string, (now: Now) => Promise<boolean>>> = {
  make: async ({ neutron: { api }, ports, hosts, networks, pick, random }) => {
    const isMachine = random() < 0.4;
    const host = pick(isMachine ? hosts.filter(({ isOurs }) => isOurs) : hosts);
    const network = pick(networks);
    if (host === undefined || network === undefined || ports.length >= PORTS_MAX) return false;
    const { id } = await api.makePort({
      network_id: network,
      'binding:host_id': host.name,
      device_owner: isMachine ? 'compute:nova' : 'network:peer',
    });
    ports.push({ id, network, isMachine, host, isUp: true, tapAt: null });
    return true;
  },
  plug: async ({ ports, pick }) => {
    const port = pick(ports.filter(({ tapAt }) => tapAt === null));
    if (port !== undefined) plug(port, port.host);
    return port !== undefined;
  },
  unplug: async ({ ports, pick }) => {
    const port = pick(ports.filter(({ tapAt }) => tapAt !== null));
    if (port !== undefined) unplug(port);
    return port !== undefined;
  },
  'admin state': async ({ neutron: { api }, ports, pick }) => {
    const port = pick(ports);
    if (port === undefined) return false;
    port.isUp = !port.isUp;
    await api.updatePort(port.id, { admin_state_up: port.isUp });
    return true;
  },
  move: async ({ neutron: { api }, ports, hosts, pick, random }) => {
    const port = pick(ports.filter(({ isMachine }) => !isMachine));
    const host = pick(hosts.filter((one) => one !== port?.host));
    if (port === undefined || host === undefined) return false;
    await inEitherOrder(
      random,
      () => unplug(port),
      () => api.updatePort(port.id, { 'binding:host_id': host.name }),
    );
    port.host = host;
    plug(port, host);
    return true;
  },
  migrate: async ({ neutron: { api }, ports, hosts, pick, random }) => {
    const port = pick(ports.filter(({ isMachine, tapAt }) => isMachine && tapAt !== null));
    const from = port?.host;
    const to = pick(hosts.filter((one) => one !== from && one.isOurs));
    if (port === undefined || from === undefined || to === undefined) return false;
    await api.post(`ports/${port.id}/bindings`, { binding: { host: to.name, project_id: 'p' } });
    makeTap(to.namespace, tapOf(port.id));
    ip(to.namespace, 'link', 'set', tapOf(port.id), 'up');
    await inEitherOrder(
      random,
      () => unplug(port),
      () => api.put(`ports/${port.id}/bindings/${to.name}/activate`),
    );
    await api.remove(`ports/${port.id}/bindings/${from.name}`);
    port.host = to;
    port.tapAt = to;
    return true;
  },
  delete: async ({ neutron: { api }, ports, pick, random }) => {
    const port = pick(ports);
    if (port === undefined || ports.length <= PORTS_MIN) return false;
    await inEitherOrder(
      random,
      () => unplug(port),
      () => api.remove(`ports/${port.id}`),
    );
    ports.splice(ports.indexOf(port), 1);
    return true;
  },
  'kill ours': ({ hosts, ...now }) => kill({ ...now, hosts: hosts.filter(({ isOurs }) => isOurs) }, 0.4),
  // Both are away for ten seconds and more, in which nothing else can happen.
  'kill Neutron’s, with its server': ({ hosts, ...now }) =>
    kill({ ...now, hosts: hosts.filter(({ isOurs }) => !isOurs) }, 0.1),
};

/**
 * Waits until the API says of each port what its tap is: ACTIVE where it is wired on the host that the port is bound to. The
 * ports that the script has not made are ACTIVE.
 */
export async function statusesAreTrue({ api }: Neutron, { ports }: Played): Promise<void> {
  let wrong: readonly string[] = [];
  const areTrue = async (): Promise<boolean> => {
    const told = new Map((await api.get<{ ports: ApiPort[] }>('ports')).ports.map((port) => [port.id, port]));
    wrong = ports.flatMap(({ id, host, network, isUp, tapAt }) => {
      const wanted = isUp && tapAt === host ? 'ACTIVE' : 'DOWN';
      const port = told.get(id);
      const isWired = masterOf(host.namespace, tapOf(id)) === bridgeOf(network);
      const isRight = port?.status === wanted && (wanted === 'DOWN' || isWired);
      const tap = `its tap ${ipLink(host.namespace, tapOf(id)) === undefined ? 'is not there' : isWired ? 'is wired' : 'is in no bridge'}`;
      return isRight ? [] : [`${id} on ${host.name} is ${port?.status} instead of ${wanted}, ${tap}`];
    });
    const own = new Set(ports.map(({ id }) => id));
    return (
      wrong.length === 0 && [...told.values()].every(({ id, status }) => own.has(id) || status === 'ACTIVE')
    );
  };
  await waitUntil(areTrue, 'every status is what the tap is').catch((error: Error) => {
    throw new Error(`${error.message}:\n${wrong.join('\n')}`);
  });
}
