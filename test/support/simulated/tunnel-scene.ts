import {
  bridgeName,
  commandsOf,
  type ForwardingAnswer,
  type ForwardingEntry,
  floodEntry,
  type HostState,
  type LinkName,
  networkId,
  type Operation,
  type TunnelDetail,
  type TunnelSettings,
} from '../../../src/model/index.js';
import {
  decideForwarding,
  type ForwardingDecision,
} from '../../../src/reconcile/forwarding/decide-forwarding.js';
import { NO_PAIR_MEMORY, type PairMemory } from '../../../src/reconcile/forwarding/guard-pairs.js';
import { resolveTunnel, type TunnelNetwork } from '../../../src/reconcile/forwarding/resolve-tunnel.js';
import { tunnelOperations } from '../../../src/reconcile/plan/tunnel.js';
import { type View, viewOf } from '../../../src/reconcile/see/view.js';
import { makeSimulatedHost, type SimulatedHost, SimulatedRefusal } from './host.js';
import { buildLinks, buildSettings, type LinkWords, LOCAL, TEST_HOST, UNICAST } from './host-builder.js';
import { carryOut } from './operations.js';
import { endOf } from './row-builder.js';

export { LOCAL, UNICAST };

/** One network with a tap here, of VNI 1001 and so on. */
export const NETWORK: TunnelNetwork = {
  id: networkId('aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'),
  vni: 1001,
  mtu: 1450,
};
export const DEVICE = 'vxlan-1001';

/** A host with the underlay and the bridge of the network, and whatever is named besides. */
export const tunnelHost = (
  words: readonly LinkWords[] = [],
  networks: readonly TunnelNetwork[] = [NETWORK],
): SimulatedHost =>
  makeSimulatedHost(
    buildLinks([
      { name: 'eth1', mtu: 1500, addresses: [`${LOCAL}/24`] },
      ...networks.map(({ id }) => ({ name: `brq${id.slice(0, 11)}`, label: id })),
      ...words,
    ]),
    {},
  );

/** A host whose tunnel is in place and floods to these. */
export function inPlace(
  entries: readonly (string | ForwardingEntry)[],
  tunnel: Partial<TunnelDetail> = {},
  words: Partial<LinkWords> = {},
): SimulatedHost {
  const { id, vni } = NETWORK;
  const device: LinkWords = {
    name: DEVICE,
    kind: 'vxlan',
    vni,
    tunnel,
    master: bridgeName(id),
    label: id,
    mtu: 1450,
  };
  const host = tunnelHost([{ ...device, ipv6: 'disabled', ...words }]);
  const index = host.named(DEVICE)?.index;
  if (index === undefined) throw new RangeError('the tunnel is there');
  host.entries.set(
    index,
    entries.map((one) => (typeof one === 'string' ? floodEntry(one) : one)),
  );
  return host;
}

export function stateOf(host: SimulatedHost): HostState {
  const links = host.all();
  return {
    version: 1,
    changes: null,
    tapFilter: host.tapFilter,
    forwarding: host.entries,
    links: new Map(links.map((link) => [link.index, link])),
    byName: new Map(links.map((link): [LinkName, typeof link] => [link.name, link])),
  };
}

export const viewIn = (host: SimulatedHost): View => viewOf(stateOf(host), buildSettings({}));

/** Rows in words: by segment its hosts, by host its tunnel's end; a text that is no address is why nobody knows it. */
export interface TunnelRows {
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  readonly ends: Readonly<Record<string, string>>;
}

export const segmentOf = ({ vni }: TunnelNetwork): string => `segment-${vni}`;

/** Of one network: by host its tunnel's end. */
export const rowsOf = (ends: Readonly<Record<string, string>>, network = NETWORK): TunnelRows => ({
  hosts: { [segmentOf(network)]: [TEST_HOST, ...Object.keys(ends)] },
  ends,
});

export const answerOf = ({ hosts, ends }: TunnelRows): ForwardingAnswer => ({
  tunnels: [],
  hosts: new Map(Object.entries(hosts)),
  endpoints: new Map([
    [TEST_HOST, endOf(LOCAL)] as const,
    ...Object.entries(ends).map(([host, text]) => [host, endOf(text)] as const),
  ]),
  vnis: new Map(),
});

export interface PassWords {
  readonly settings?: TunnelSettings;
  readonly networks?: readonly TunnelNetwork[];
  readonly memory?: PairMemory;
  readonly nowMs?: number;
  readonly basis?: 'answer' | 'memory';
  readonly doubt?: string | null;
  readonly accepted?: ReadonlySet<string> | 'all';
  readonly isWhole?: boolean;
}

export interface TunnelPass extends ForwardingDecision {
  readonly operations: readonly Operation[];
  readonly commands: readonly string[];
  readonly codes: readonly string[];
}

/** Decides and plans as one pass does, and changes nothing. */
export function tunnelPass(host: SimulatedHost, rows: TunnelRows, words: PassWords = {}): TunnelPass {
  const { settings = UNICAST, networks = [NETWORK], memory = NO_PAIR_MEMORY, nowMs = 0 } = words;
  const view = viewIn(host);
  const resolved = networks.map((network) => ({ network, real: resolveTunnel(view, settings, network) }));
  const served = resolved.flatMap(({ network, real }) =>
    real.ok ? [{ network: network.id, segment: segmentOf(network), tunnel: real.tunnel }] : [],
  );
  const decision = decideForwarding({
    view,
    host: TEST_HOST,
    local: settings.local ?? '',
    served,
    present: host.entries,
    answer: answerOf(rows),
    basis: words.basis ?? 'answer',
    isWhole: () => words.isWhole ?? true,
    doubt: words.doubt ?? null,
    accepted: words.accepted ?? new Set(),
    memory,
    nowMs,
  });
  const operations = resolved.flatMap(({ network }) => {
    const bridge = view.labelledBridges.get(network.id);
    const decided = decision.tunnels.get(network.id);
    if (bridge === undefined || decided === undefined) return [];
    const { id, mtu } = network;
    const ref = { name: bridge.name, index: bridge.index };
    return tunnelOperations({ ...decided, network: id, mtu, bridge: ref });
  });
  const warnings = [
    ...resolved.flatMap(({ real }) => (real.ok ? real.warnings : [real.warning])),
    ...decision.warnings,
  ];
  return {
    ...decision,
    warnings,
    operations,
    commands: operations.flatMap((one) => commandsOf(one)),
    codes: warnings.map(({ code }) => code),
  };
}

/** Carries the operations out; gives the errno of the first that is refused. */
export function carryOutAll(host: SimulatedHost, operations: readonly Operation[]): string | null {
  host.made.clear();
  try {
    for (const operation of operations) carryOut(host, operation);
    return null;
  } catch (error) {
    if (error instanceof SimulatedRefusal) return error.errno;
    throw error;
  }
}

/** Passes with these rows, each carried out, so many milliseconds apart. */
export function passes(
  host: SimulatedHost,
  rows: TunnelRows,
  count: number,
  words: PassWords = {},
  everyMs = 30_000,
): TunnelPass {
  let memory = words.memory ?? NO_PAIR_MEMORY;
  let nowMs = words.nowMs ?? 0;
  let last: TunnelPass | null = null;
  for (let pass = 0; pass < count; pass++) {
    last = tunnelPass(host, rows, { ...words, memory, nowMs });
    carryOutAll(host, last.operations);
    ({ memory } = last);
    nowMs += everyMs;
  }
  if (last === null) throw new RangeError('there is at least one pass');
  return last;
}

/** Whom the tunnel floods to. */
export const floodsTo = (host: SimulatedHost, device = DEVICE): string[] =>
  (host.entries.get(host.named(device)?.index ?? (0 as never)) ?? [])
    .filter(({ mac }) => mac === '00:00:00:00:00:00')
    .map(({ endpoint }) => endpoint);
