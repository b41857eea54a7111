import {
  type BridgeQuestion,
  type IfIndex,
  isExactBridgeName,
  type Link,
  lookedForBy,
  networkOfLabel,
  type Port,
  type Question,
  type TapQuestion,
  tapSuffix,
} from '../../model/index.js';
import { leftTunnels } from '../forwarding/reused-vni.js';
import { allTaps, isPlugged, servesTunnels, type View } from '../see/view.js';
import { isStillAbsent, type Memory } from './memory.js';

/**
 * What the database is asked: the taps that are here (by id when their port is known, else by prefix), ports
 * known lately whose taps went away, and the networks of the agent's bridges, subinterfaces and tunnels. The size
 * follows the host, never the cloud.
 */
export function questionFor(view: View, memory: Memory, nowMs: number): Question {
  const vnis = vnisInQuestion(view, memory);
  return {
    taps: tapQuestions(view, memory, nowMs),
    bridges: bridgeQuestions(view),
    ...(vnis.length === 0 ? {} : { vnis }),
  };
}

/** Of tunnels that no network has where they are, by the last answer: whose VNIs these are now. */
function vnisInQuestion(view: View, { server, networks }: Memory): number[] {
  if (server === null || !servesTunnels(view.settings)) return [];
  return [...new Set(leftTunnels(view, networks).map(({ vni }) => vni))].sort((a, b) => a - b);
}

/**
 * The links whose absence from the answer means something: those that are here before the database is asked,
 * without the taps that are not asked for this time (their names had no row a moment ago).
 */
export function presentWhenAsked(view: View, memory: Memory, nowMs: number): Set<IfIndex> {
  const present = new Set(view.observed.links.keys());
  for (const tap of allTaps(view)) if (!isAskedFor(view, memory, tap, nowMs)) present.delete(tap.index);
  return present;
}

const isAskedFor = (view: View, memory: Memory, tap: Link, nowMs: number): boolean =>
  isPlugged(view, tap) || memory.known.has(tap.name) || isStillAbsent(memory, tap.name, nowMs) === null;

function tapQuestions(view: View, memory: Memory, nowMs: number): TapQuestion[] {
  const questions: TapQuestion[] = [];
  const here = new Set<string>();
  for (const tap of allTaps(view)) {
    here.add(tap.name);
    const wired = isPlugged(view, tap);
    const port = memory.known.get(tap.name);
    if (port !== undefined && isOfThisHost(port, memory)) {
      questions.push({ by: 'id', id: port.id, wired });
      continue;
    }
    if (!isAskedFor(view, memory, tap, nowMs)) continue;
    const suffix = tapSuffix(tap.name);
    questions.push(
      suffix === null ? { by: 'device', device: tap.name, wired } : { by: 'suffix', suffix, wired },
    );
  }
  for (const [name, port] of memory.known) {
    if (!here.has(name)) questions.push({ by: 'id', id: port.id, wired: false });
  }
  // In an order that no coming and going changes: the same ports are the same question.
  return questions.sort((a, b) => compare(lookedForBy(a), lookedForBy(b)));
}

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

/** The tap of a port that is not served here may be another port's, of the same prefix, that is: that one counts. */
const isOfThisHost = ({ binding: { kind } }: Port, { hasHosts }: Memory): boolean =>
  kind === 'here' || kind === 'arriving' || (kind === 'unhosted' && !hasHosts);

function bridgeQuestions(view: View): BridgeQuestion[] {
  const ids = new Set(view.labelledBridges.keys());
  for (const link of [...view.subinterfaces.values(), ...view.tunnels]) {
    const id = networkOfLabel(link.alias);
    if (id !== null) ids.add(id);
  }
  const unlabelled = [...view.agentBridges.values()].filter(
    ({ alias, name }) => networkOfLabel(alias) === null && isExactBridgeName(name),
  );
  return [
    ...[...ids].map((id): BridgeQuestion => ({ by: 'id', id })),
    ...unlabelled.map(({ name }): BridgeQuestion => ({ by: 'suffix', suffix: name.slice(3) })),
  ];
}

/** True when the port of one of these taps is not known and has not been asked for lately: the database has to be asked now. */
export const hasUnknownTaps = (taps: readonly Link[], memory: Memory, nowMs: number): boolean =>
  taps.some(
    ({ name }) =>
      !memory.known.has(name) && !memory.disputed.has(name) && isStillAbsent(memory, name, nowMs) === null,
  );
