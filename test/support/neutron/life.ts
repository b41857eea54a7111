import { setTimeout as delay } from 'node:timers/promises';
import { bridgeOf, tapOf } from '../host/host.js';
import { ip, ipLink, makeTap } from '../host/netns.js';
import type { ApiPort } from './api.js';
import type { Neutron } from './server.js';

/** The host whose agent is watched, and one more, with an agent of its own, that ports move to and come from. */
export const HERE = 'host1';
export const ELSEWHERE = 'host2';

/** A step in the life of a port: what was said of it in the end, and how long after the step it was. */
export interface Step {
  readonly step: string;
  readonly says: string;
  readonly afterMs: number;
}

/** What the API says of a port, and where its tap is, after each step with an agent that does all it has to. */
export const LIFE = {
  'port made': 'bridge, DOWN; no tap',
  'tap plugged': 'bridge, ACTIVE; tap in its bridge',
  'name changed': 'bridge, ACTIVE; tap in its bridge',
  'address pairs changed': 'bridge, ACTIVE; tap in its bridge',
  'profile changed': 'bridge, ACTIVE; tap in its bridge',
  'admin down': 'bridge, DOWN; tap alone',
  'admin up': 'bridge, ACTIVE; tap in its bridge',
  'tap gone': 'bridge, DOWN; no tap',
  'tap plugged again': 'bridge, ACTIVE; tap in its bridge',
  'moved to another host': 'bridge, DOWN; tap in its bridge',
  'moved back': 'bridge, ACTIVE; tap in its bridge',
  'machine to come: binding INACTIVE here, tap plugged': 'bridge, DOWN; tap in its bridge',
  'its binding activated': 'bridge, ACTIVE; tap in its bridge',
  'its port deleted': 'no port; tap alone',
  'network deleted': 'no port; no bridge',
} as const;
export type StepName = keyof typeof LIFE;

/** The life of a port with Neutron’s own agent; etc/README.md says where it differs, and why. */
export const THEIR_LIFE: Readonly<Record<StepName, string>> = {
  ...LIFE,
  'admin down': 'bridge, DOWN; tap in its bridge',
  'machine to come: binding INACTIVE here, tap plugged': 'bridge, DOWN; tap alone',
  'its binding activated': 'bridge, ACTIVE; tap alone',
};

/** Neutron’s agent filters the ports of other owners with ebtables, whose rules it cannot delete again on Debian 12. */
const OWNER = 'network:peer';
/** A step that has no effect by then has none. */
const PATIENCE_MS = 30_000;
/** A step that is to change nothing gets so long to change something all the same: a few polls. */
const STILL_MS = 700;

/**
 * One port after another lives on the host with the agent, and each step is told with what was said of it: that it
 * says in `expected`, or what it said when the time for it was over.
 */
export async function livePorts(
  { api }: Neutron,
  namespace: string,
  expected: Readonly<Record<StepName, string>>,
): Promise<readonly Step[]> {
  const steps: Step[] = [];
  // Where a host loses its last tap, or the database its last port, because of a row that is missing, somebody has to be asked.
  const neighbour = await api.makePort({
    network_id: await api.makeNetwork(),
    'binding:host_id': HERE,
    device_owner: OWNER,
  });
  plug(namespace, neighbour.id);
  const network = await api.makeNetwork();
  const make = (host: string, owner: string): Promise<ApiPort> =>
    api.makePort({ network_id: network, 'binding:host_id': host, device_owner: owner });
  const says = async (id: string): Promise<string> => {
    const [port] = (await api.get<{ ports: ApiPort[] }>(`ports?id=${id}`)).ports;
    const link = ipLink(namespace, tapOf(id));
    const place =
      link === undefined ? 'no tap' : link.master === bridgeOf(network) ? 'tap in its bridge' : 'tap alone';
    return `${port === undefined ? 'no port' : `${port['binding:vif_type']}, ${port.status}`}; ${place}`;
  };
  const bridgeSays = async (): Promise<string> =>
    ipLink(namespace, bridgeOf(network)) === undefined ? 'no port; no bridge' : 'no port; bridge';
  const take = async (step: StepName, act: () => unknown, look: () => Promise<string>): Promise<void> => {
    const wanted = expected[step];
    const before = steps.at(-1)?.says;
    const begunMs = performance.now();
    await act();
    let said = await look();
    while (said !== wanted && performance.now() - begunMs < PATIENCE_MS) {
      await delay(10);
      said = await look();
    }
    const afterMs = performance.now() - begunMs;
    if (wanted === before) {
      await delay(STILL_MS);
      said = await look();
    }
    steps.push({ step, says: said, afterMs });
  };
  await liveOne({ take, says, make, api, namespace });
  await migrateOne({ take, says, make, api, namespace });
  await take('network deleted', () => api.remove(`networks/${network}`), bridgeSays);
  return steps;
}

interface Stage {
  readonly api: Neutron['api'];
  readonly namespace: string;
  take(step: StepName, act: () => unknown, look: () => Promise<string>): Promise<void>;
  says(id: string): Promise<string>;
  make(host: string, owner: string): Promise<ApiPort>;
}

const plug = (namespace: string, id: string): void => {
  makeTap(namespace, tapOf(id));
  ip(namespace, 'link', 'set', tapOf(id), 'up');
};

/** A port of the host's own, that nobody but this agent plugs. */
async function liveOne({ api, namespace, take, says, make }: Stage): Promise<void> {
  const port = await make(HERE, OWNER);
  const look = (): Promise<string> => says(port.id);
  const change = (step: StepName, changes: Readonly<Record<string, unknown>>): Promise<void> =>
    take(step, () => api.updatePort(port.id, changes), look);
  await take('port made', () => {}, look);
  await take('tap plugged', () => plug(namespace, port.id), look);
  await change('name changed', { name: 'renamed' });
  await change('address pairs changed', { allowed_address_pairs: [{ ip_address: '10.9.9.9' }] });
  await change('profile changed', { 'binding:profile': { shelf: 'one' } });
  await change('admin down', { admin_state_up: false });
  await change('admin up', { admin_state_up: true });
  await take('tap gone', () => ip(namespace, 'link', 'del', tapOf(port.id)), look);
  await take('tap plugged again', () => plug(namespace, port.id), look);
  await change('moved to another host', { 'binding:host_id': ELSEWHERE });
  await change('moved back', { 'binding:host_id': HERE });
  ip(namespace, 'link', 'del', tapOf(port.id));
  await api.remove(`ports/${port.id}`);
}

/** A machine's port that comes from the other host in a live migration. */
async function migrateOne({ api, namespace, take, says, make }: Stage): Promise<void> {
  const { id } = await make(ELSEWHERE, 'compute:nova');
  const look = (): Promise<string> => says(id);
  const comes = async (): Promise<void> => {
    await api.post(`ports/${id}/bindings`, { binding: { host: HERE, project_id: 'p' } });
    plug(namespace, id);
  };
  await take('machine to come: binding INACTIVE here, tap plugged', comes, look);
  await take('its binding activated', () => api.put(`ports/${id}/bindings/${HERE}/activate`), look);
  await take('its port deleted', () => api.remove(`ports/${id}`), look);
  ip(namespace, 'link', 'del', tapOf(id));
}
