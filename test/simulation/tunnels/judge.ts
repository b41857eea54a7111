import { type HostState, isMulticast, networkOfLabel } from '../../../src/model/index.js';
import { endOf, MTU, type Rows, type Told } from './cloud.js';
import { type Passed, type TunnelHost, uplinkOf } from './host.js';

const WAIT_MS = 60_000;
const ANSWERS = 3;
const FREE_SHARE = 0.2;

/** What an answer has said about the end of one network, as far as going away is concerned. */
interface Hearing {
  readonly atMs: number;
  readonly told: Told;
  readonly isKept: boolean;
}

/** Holds what one host does against the contract, by its own reading of what the host was told. */
export interface Judge {
  /** What is wrong with a pass, in one sentence; null: nothing. */
  passed(passed: Passed, told: Told | null, nowMs: number): string | null;
  /** What is wrong with the host after a long time in which everything was fair. */
  settled(rows: Rows, passed: Passed): string | null;
}

export function makeJudge(host: TunnelHost): Judge {
  const heard: Hearing[] = [];
  return {
    passed: (passed, told, nowMs) => {
      // An agent that was killed may have kept what it heard last, or not.
      if (told !== null) heard.push({ atMs: nowMs, told, isKept: passed.report !== null });
      return (
        forbidden(host.name, passed) ??
        joined(passed, told) ??
        removals(host.name, passed, told, heard, nowMs) ??
        cut(passed, told)
      );
    },
    settled: (rows, passed) => unsettled(host.name, rows, passed),
  };
}

const flooded = (state: HostState): Map<string, string> =>
  new Map(
    [...state.links.values()].flatMap((link) => {
      const bridge = link.master === null ? undefined : state.links.get(link.master);
      const network = bridge === undefined ? null : networkOfLabel(bridge.alias);
      if (link.detail.kind !== 'vxlan' || network === null) return [];
      return (state.forwarding.get(link.index) ?? []).map(
        ({ endpoint }) => [`${network} ${endpoint}`, network] as const,
      );
    }),
  );

/** Nothing is ever sent to this host itself, nor where no host can be. */
function forbidden(host: string, { operations }: Passed): string | null {
  for (const operation of operations) {
    if (operation.op !== 'set-forwarding') continue;
    const bad = operation.add.find(
      ({ endpoint }) => endpoint === endOf(host) || isMulticast(endpoint) || endpoint.includes(':'),
    );
    if (bad !== undefined) return `${operation.device} was to flood to ${bad.endpoint}`;
  }
  return null;
}

/** No tunnel is in the bridge of one network while its VNI is said to be another's. */
function joined({ states, before, report }: Passed, told: Told | null): string | null {
  if (told === null || report === null || report.failed.length > 0) return null;
  const after = states.at(-1) ?? before;
  for (const link of after.links.values()) {
    const bridge = link.master === null ? undefined : after.links.get(link.master);
    const network = bridge === undefined ? null : networkOfLabel(bridge.alias);
    if (link.detail.kind !== 'vxlan' || network === null) continue;
    const owners = told.forwarding.vnis.get(link.detail.vni) ?? [];
    if (owners.length > 0 && !owners.some((id) => id === network))
      return `${link.name} is in the bridge of ${network}, and its VNI is ${owners[0]}'s`;
  }
  return null;
}

const listIn = (told: Told, network: string): readonly string[] | null => {
  const tunnel = told.forwarding.tunnels.find((one) => one.network === network);
  return tunnel === undefined ? null : (told.forwarding.hosts.get(tunnel.segment) ?? null);
};

const endIn = (told: Told, host: string): string | null => {
  const end = told.forwarding.endpoints.get(host);
  return end?.kind === 'address' ? end.address : null;
};

/** What the database says of this host itself names nobody. */
const isNamed = (told: Told, network: string, endpoint: string, own: string): boolean =>
  (listIn(told, network) ?? []).some((host) => host !== own && endIn(told, host) === endpoint);

/** An end goes only when three answers, over a minute, have not named it, and few go at once. */
function removals(
  host: string,
  { before, states, operations }: Passed,
  told: Told | null,
  heard: readonly Hearing[],
  nowMs: number,
): string | null {
  const [old, now] = [flooded(before), flooded(states.at(-1) ?? before)];
  // With its tunnel goes what was written in it, see `cut`.
  if (operations.some(({ op }) => op === 'delete-vxlan' || op === 'detach')) return null;
  const gone = [...old].filter(([key]) => !now.has(key));
  // What must not be there may go at once.
  const isEnd = (endpoint: string): boolean => endpoint !== endOf(host) && !isMulticast(endpoint);
  const fine = gone.filter(([key, network]) => isEnd(key.slice(network.length + 1)));
  if (fine.length === 0) return null;
  if (told === null) return `${fine[0]?.[0]} went without an answer`;
  if (!told.isTrusted) return `${fine[0]?.[0]} went by an answer that is doubted`;
  for (const [key, network] of fine) {
    const wrong = causeless(host, key.slice(network.length + 1), network, told, heard, nowMs);
    if (wrong !== null) return `${key} went: ${wrong}`;
  }
  // What the same pass has added counts as well.
  const all = new Set([...old.keys(), ...now.keys()]).size;
  const free = Math.max(1, Math.floor(all * FREE_SHARE));
  return fine.length > free ? `${fine.length} of ${all} ends went at once` : null;
}

function causeless(
  host: string,
  endpoint: string,
  network: string,
  told: Told,
  heard: readonly Hearing[],
  nowMs: number,
): string | null {
  const list = listIn(told, network);
  if (list === null) return 'the answer says nothing of its network';
  if (!list.includes(host)) return 'the answer lacks this host';
  let since = nowMs;
  let answers = 0;
  for (const { atMs, told: one, isKept } of [...heard].reverse()) {
    if (isNamed(one, network, endpoint, host)) {
      if (isKept) break;
      continue;
    }
    since = atMs;
    answers += 1;
  }
  if (answers < ANSWERS) return `${answers} answers do not name it`;
  if (nowMs - since < WAIT_MS) return `it has not been named for ${nowMs - since} ms`;
  const owner = [...told.forwarding.endpoints.keys()].find((one) => endOf(one) === endpoint);
  return owner !== undefined && list.includes(owner) && endIn(told, owner) === null
    ? `nobody knows where the tunnels of ${owner} end`
    : null;
}

/** A tunnel of a network whose rows are as they were stays where it is, and up. */
function cut({ before, operations }: Passed, told: Told | null): string | null {
  for (const operation of operations) {
    if (operation.op !== 'detach' && operation.op !== 'delete-vxlan') continue;
    const link = operation.target.index === null ? undefined : before.links.get(operation.target.index);
    const bridge = link?.master == null ? undefined : before.links.get(link.master);
    const network = bridge === undefined ? null : networkOfLabel(bridge.alias);
    if (link?.detail.kind !== 'vxlan' || network === null) continue;
    const { vni } = link.detail;
    const isOwn = told?.forwarding.tunnels.some((one) => one.network === network && one.vni === vni) ?? true;
    if (isOwn) return `${operation.op} of ${link.name}, which is its network's`;
  }
  return null;
}

/** Where everything was fair for long, each network with a tap here reaches all its hosts; what it reaches besides is held. */
function unsettled(host: string, rows: Rows, { before, states, report }: Passed): string | null {
  const after = states.at(-1) ?? before;
  const held = new Set(report?.held.map(({ key }) => key));
  const here = [...rows.ports].filter(([id]) =>
    [...after.links.values()].some(({ name }) => name === `tap${id.slice(0, 11)}`),
  );
  for (const [, { network }] of here.filter(([, port]) => port.host === host)) {
    const vni = rows.networks.get(network);
    if (vni === undefined) continue;
    const uplink = uplinkOf(after, network);
    if (uplink?.vni !== vni || !uplink.up || uplink.mtu !== MTU)
      return `${network} has no tunnel of VNI ${vni}`;
    const bound = [...rows.ports.values()].filter((port) => port.network === network && port.host !== host);
    const wanted = new Set(bound.flatMap((port) => rows.ends.get(port.host) || []));
    const lacking = [...wanted].find((end) => !uplink.ends.includes(end));
    if (lacking !== undefined) return `${network} does not reach ${lacking}`;
    const stale = uplink.ends.find((end) => !wanted.has(end) && !held.has(`forwarding ${network} ${end}`));
    if (stale !== undefined) return `${network} still floods to ${stale}`;
  }
  return null;
}
