import type { Answer, Link, Port, PortId, StatusChange } from '../../model/index.js';
import { allDesiredTaps, type Desired, type DesiredNetwork, type DesiredTap } from '../decide/desired.js';
import { presentUplink } from '../decide/resolve-segment.js';
import type { Memory } from '../remember/memory.js';
import { isPlugged, type View } from '../see/view.js';

/** `applied`: the host is as it is seen; `planned`: as it will be once the plan is carried out. */
export type Stage = 'applied' | 'planned';

/**
 * The statuses to write: whatever in the table differs from what is true on this host after the pass. Level
 * triggered, so that a write that was lost is simply made again after the next poll.
 */
export function statusChanges(
  answer: Answer,
  desired: Desired,
  after: View,
  memory: Memory,
  stage: Stage,
): StatusChange[] {
  const told = new Set<PortId>();
  const changes: StatusChange[] = [];
  for (const tap of allDesiredTaps(desired)) {
    const port = portOf(tap);
    if (port === null) continue;
    told.add(port.id);
    const to = writes(port) ? truth(tap, port, desired, after, stage) : null;
    if (to !== null && to !== port.status) changes.push(change(port, to));
  }
  const owed = new Map(
    [...memory.known].map(([name, { id }]) => [id, memory.away.get(name)?.owesDown === true]),
  );
  for (const port of answer.ports) {
    if (told.has(port.id) || !writes(port) || port.status !== port.statusWords.active) continue;
    if (!owed.has(port.id) || isAmbiguous(desired, port)) continue;
    // Without hosts in the table the port may have moved to another host, which says ACTIVE again: only the
    // going away itself is written, once.
    const gone = answer.hasHosts ? port.binding.kind === 'here' : owed.get(port.id) === true;
    if (gone) changes.push(change(port, port.statusWords.down));
  }
  return changes;
}

const portOf = ({ decision }: DesiredTap): Port | null =>
  decision.kind === 'unknown' ? null : decision.port;

const change = ({ id, status, binding }: Port, to: string): StatusChange => ({
  port: id,
  from: status,
  to,
  bound: binding.kind === 'here' ? 'here' : 'anywhere',
});

/** Only the host a port is bound to, by this driver, says what its status is. */
const writes = ({ binding }: Port): boolean => binding.kind === 'here' || binding.kind === 'unhosted';

function truth(
  { tap, decision }: DesiredTap,
  port: Port,
  desired: Desired,
  after: View,
  stage: Stage,
): string | null {
  const link = after.observed.links.get(tap.index);
  const { active, down } = port.statusWords;
  switch (decision.kind) {
    case 'wire':
      return stage === 'planned' || isServed(link, desired.networks.get(decision.network)) ? active : down;
    case 'blocked':
      return down;
    case 'unwire':
      return stage === 'planned' || link === undefined || !isPlugged(after, link) ? down : null;
    case 'wait':
    case 'leave':
    case 'unknown':
      return null;
  }
}

/** Up, in a bridge that is up and has the uplink that its network asks for, and no other. */
function isServed(tap: Link | undefined, network: DesiredNetwork | undefined): boolean {
  if (tap?.up !== true || network === undefined || network.serves === null) return false;
  if (network.leaving.length > 0) return false;
  const { place, serves } = network;
  if (place.kind === 'joined') return tap.master === place.bridge.index;
  if (place.kind !== 'present' || tap.master !== place.bridge.index || !place.bridge.up) return false;
  const uplink = presentUplink(serves);
  return serves.kind === 'none' || (uplink?.up === true && uplink.master === place.bridge.index);
}

/** A tap that may belong to several ports speaks for none of them. */
const isAmbiguous = (desired: Desired, port: Port): boolean =>
  desired.notable.some(
    ({ tap, decision }) =>
      decision.kind === 'leave' &&
      decision.warnings.some(({ code }) => code === 'PORT_AMBIGUOUS') &&
      tap.name === `tap${port.interfaceId.slice(0, 11)}`,
  );
