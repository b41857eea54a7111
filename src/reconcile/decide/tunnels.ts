import {
  type ForwardingAnswer,
  foldedId,
  isSameSet,
  type NetworkId,
  type Operation,
} from '../../model/index.js';
import {
  decideForwarding,
  type ForwardingDecision,
  type ForwardingInput,
  type ServedTunnel,
} from '../forwarding/decide-forwarding.js';
import type { PairInput, PairMemory } from '../forwarding/guard-pairs.js';
import { leftTunnels, reusedVniOperations } from '../forwarding/reused-vni.js';
import { hasSameDevices, servesTunnels } from '../see/view.js';
import type { Desired } from './desired.js';
import { neededNetworks } from './needed.js';

/** What is to become of the tunnels of this host. */
export interface DecidedTunnels extends ForwardingDecision {
  /** Tunnels whose VNI is another network's now leave their bridge, whatever is held. */
  readonly evicted: readonly Operation[];
}

/** What of the guard decides about tunnels. */
export type TunnelOrder = Pick<PairInput, 'doubt' | 'accepted'> & { readonly memory: PairMemory };

const NOTHING_READ: ForwardingAnswer = {
  tunnels: [],
  hosts: new Map(),
  endpoints: new Map(),
  vnis: new Map(),
};

const NO_TUNNELS: Omit<DecidedTunnels, 'memory'> = {
  tunnels: new Map(),
  asked: [],
  held: new Map(),
  going: new Set(),
  pending: 0,
  warnings: [],
  evicted: [],
};

/**
 * Decides about the tunnels of the networks that have a tap here, and of those that are no network's any more. What was
 * decided last is taken over where it rests on the same values and nothing is asked for.
 */
export function decideTunnels(desired: Desired, order: TunnelOrder): DecidedTunnels {
  const { networks, world } = desired;
  if (!servesTunnels(world.settings)) return { ...NO_TUNNELS, memory: order.memory };
  const last = decidedLast.get(networks);
  if (last !== undefined && isAsBefore(last, desired, order)) return last.decided;
  const decided = decideAnew(desired, order);
  decidedLast.set(networks, { desired, order, decided });
  return decided;
}

interface Last {
  readonly desired: Desired;
  readonly order: TunnelOrder;
  readonly decided: DecidedTunnels;
}

const decidedLast = new WeakMap<Desired['networks'], Last>();

/** An answer in which nothing has changed counts, as long as something waits for further ones. */
const isAsBefore = ({ desired, order, decided }: Last, now: Desired, orderNow: TunnelOrder): boolean =>
  decided.asked.length === 0 &&
  decided.memory === orderNow.memory &&
  order.doubt === orderNow.doubt &&
  hasSameDevices(desired.world.view, now.world.view) &&
  desired.world.view.observed.forwarding === now.world.view.observed.forwarding &&
  desired.world.knowledge.forwarding === now.world.knowledge.forwarding &&
  isFromAnswer(desired) === isFromAnswer(now) &&
  // In whatever order: the network of a tap that is to be wired is found first.
  isSameSet(neededNetworks(desired), neededNetworks(now));

const isFromAnswer = ({ world }: Desired): boolean => world.knowledge.presentBefore !== null;

function decideAnew(desired: Desired, { memory, accepted, doubt }: TunnelOrder): DecidedTunnels {
  const { world } = desired;
  const { view, knowledge, settings, nowMs } = world;
  const answer = knowledge.forwarding ?? NOTHING_READ;
  const basis: ForwardingInput['basis'] = isFromAnswer(desired) ? 'answer' : 'memory';
  const decision = decideForwarding({
    view,
    host: settings.host,
    local: settings.tunnels?.local ?? '',
    served: servedTunnels(desired, answer),
    present: view.observed.forwarding,
    answer,
    basis,
    isWhole: (network) => isWhole(desired, network),
    doubt,
    accepted,
    memory,
    nowMs,
  });
  const left = basis === 'answer' ? leftTunnels(view, knowledge.networks) : [];
  return { ...decision, evicted: reusedVniOperations(left, answer) };
}

function servedTunnels(desired: Desired, answer: ForwardingAnswer): ServedTunnel[] {
  const needed = neededNetworks(desired);
  return [...desired.networks.values()].flatMap(({ id, serves }): ServedTunnel[] => {
    if (serves?.kind !== 'tunnel' || !needed.has(id)) return [];
    const { tunnel } = serves;
    const asked = answer.tunnels.find(
      ({ network, vni }) => foldedId(network) === foldedId(id) && vni === tunnel.making.vni,
    );
    return [{ network: id, segment: asked?.segment ?? null, tunnel }];
  });
}

/** Whether the rows of the network and of every tap in its bridge are in the answer. */
function isWhole({ world, networks, groups }: Desired, id: NetworkId): boolean {
  const place = networks.get(id)?.place;
  const inside = place?.kind === 'present' ? groups.get(place.bridge.index) : undefined;
  return (
    world.knowledge.networks.get(id)?.rowPresent === true &&
    (inside?.taps ?? []).every(({ decision }) => decision.kind !== 'unknown' && decision.port !== null)
  );
}
