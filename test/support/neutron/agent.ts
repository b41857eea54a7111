import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram, type TestServer, waitUntil, waitUntilReady } from '../databases/servers.js';
import type { Cleanup } from '../host/netns.js';
import { HANG_LIMIT_MS } from '../limit.js';
import { configureNeutron, type Neutron } from './server.js';

/** Neutron’s agent takes seconds where ours takes milliseconds, minutes where the machine is busy. */
export const THEIR_LIMIT_MS = 5 * HANG_LIMIT_MS;

const PROGRAM = fileURLToPath(new URL('./agent.py', import.meta.url));

/** Where Neutron's own agent runs, and as whom. */
export interface Place {
  readonly namespace: string;
  readonly host: string;
  readonly mappings?: string;
  /** Where its tunnels end; without, it makes none. */
  readonly localIp?: string;
  readonly firewall?: 'noop' | 'iptables';
}

/** Neutron's own agent, with the half of the server that answers it, as a process in a namespace. */
export interface NeutronAgent {
  /** Its own process and those of its helpers, the oldest first. */
  pids(): readonly number[];
  /** `kill -9` of it and of the helpers that it has started; resolves when they are gone. */
  kill(): Promise<void>;
}

const configOf = ({ host, mappings = '', localIp, firewall = 'noop' }: Place): string => `[DEFAULT]
host = ${host}
[linux_bridge]
physical_interface_mappings = ${mappings}
[vxlan]
${localIp === undefined ? 'enable_vxlan = False' : `local_ip = ${localIp}`}
[agent]
root_helper = /usr/bin/env
[securitygroup]
firewall_driver = ${firewall}
`;

/** Starts Neutron's agent beside a neutron-server on the same database. Nothing that the server casts reaches it. Ends with the test. */
export async function startNeutronAgent(t: Cleanup, neutron: Neutron, place: Place): Promise<NeutronAgent> {
  const before = await neutron.api.agent(place.host);
  const agent = startProcess(t, neutron, place, '0');
  const hasStarted = async (): Promise<boolean> => {
    const now = await neutron.api.agent(place.host);
    return now !== undefined && now.started_at !== before?.started_at;
  };
  await waitUntil(hasStarted, `Neutron’s agent of ${place.host} has reported`, THEIR_LIMIT_MS);
  return agent;
}

/** A neutron-server and Neutron's agent in one process. */
export interface NeutronWithAgent extends Neutron {
  /** `kill -9` of both; resolves when both are there again. */
  restart(): Promise<void>;
}

/** A neutron-server and Neutron's agent in one process: what the server casts reaches the agent, as it does with a broker. */
export async function startNeutronWithAgent(
  t: Cleanup,
  server: TestServer,
  place: Place,
): Promise<NeutronWithAgent> {
  const neutron = await configureNeutron(server);
  const { api } = neutron;
  const start = async (before: string | undefined): Promise<NeutronAgent> => {
    const agent = startProcess(t, neutron, place, '1');
    await waitUntilReady(() => api.get('networks'), logOf(neutron, place));
    const hasStarted = async (): Promise<boolean> => {
      const now = await api.agent(place.host);
      return now?.alive === true && now.started_at !== before;
    };
    await waitUntil(hasStarted, `Neutron’s agent of ${place.host} has reported`, THEIR_LIMIT_MS);
    return agent;
  };
  let agent = await start(undefined);
  const restart = async (): Promise<void> => {
    const before = await api.agent(place.host);
    await agent.kill();
    agent = await start(before?.started_at);
  };
  return { ...neutron, restart };
}

const logOf = ({ folder }: Neutron, { host }: Place): string => join(folder, `${host}.log`);

let starts = 0;

function startProcess(t: Cleanup, neutron: Neutron, place: Place, servesApi: '0' | '1'): NeutronAgent {
  starts += 1;
  // Its helpers are known by this file.
  const ini = join(neutron.folder, `${place.host}-${starts}.ini`);
  writeFileSync(ini, configOf(place));
  const files = [neutron.configFile, ini].flatMap((file) => ['--config-file', file]);
  const inside = ['ip', 'netns', 'exec', place.namespace, 'env', `API=${servesApi}`];
  const program = startProgram([...inside, '/usr/bin/python3', PROGRAM, ...files], {
    log: logOf(neutron, place),
    user: null,
  });
  const kill = async (): Promise<void> => {
    program.signal('SIGKILL');
    await program.ended();
    // Its helpers are daemons of their own: they end when they find nobody at the other end.
    await waitUntil(() => processesNaming(ini).length === 0, 'the helpers of the agent have ended');
  };
  t.after(kill);
  return { pids: () => processesNaming(ini), kill };
}

/** The processes that have this file on their command lines. */
const processesNaming = (file: string): readonly number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(file);
      } catch {
        // The process ended while we were looking.
        return false;
      }
    })
    .map(Number)
    .sort((a, b) => a - b);
