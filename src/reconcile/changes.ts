import type { HostSettings, HostState, Link, LinkName } from '../model/index.js';
import { isTap, type View } from './view.js';

/** The taps in which a state of the host differs from an earlier one, when nothing else does. */
export interface TapChanges {
  /** As they were: those that changed or went. */
  readonly before: readonly Link[];
  /** As they are: those that came or changed. */
  readonly here: readonly Link[];
}

/** What has changed between two states; null when any link did that is more than a tap. O(links), and cheap. */
export function tapChanges(before: HostState, now: HostState, settings: HostSettings): TapChanges | null {
  const changes = { before: [] as Link[], here: [] as Link[] };
  let came = 0;
  for (const [index, link] of now.links) {
    const old = before.links.get(index);
    if (old === link) continue;
    changes.here.push(link);
    if (old === undefined) came += 1;
    else changes.before.push(old);
  }
  if (before.links.size + came > now.links.size) {
    for (const [index, old] of before.links) if (!now.links.has(index)) changes.before.push(old);
  }
  const physical = new Set<LinkName>(settings.physicalInterfaces.values());
  // A tap may be mapped, or carry VLANs, like any device: then it is somebody's uplink.
  const isOnlyTap = (link: Link): boolean =>
    isTap(link) && link.detail.kind === 'other' && !physical.has(link.name);
  return changes.before.every(isOnlyTap) && changes.here.every(isOnlyTap) ? changes : null;
}

/** The names of all of them. */
export const changedNames = ({ before, here }: TapChanges): Set<LinkName> =>
  new Set([...before, ...here].map(({ name }) => name));

/** The view of a state in which only these taps differ from an earlier one; what they do not touch stays the same. */
export function viewAfter(view: View, observed: HostState, { before, here }: TapChanges): View {
  const ports = new Map(view.ports);
  const taps = [...view.taps];
  for (const old of before) {
    taps.splice(taps.indexOf(old), 1);
    if (old.master !== null) ports.set(old.master, (ports.get(old.master) ?? []).filter((link) => link !== old));
  }
  for (const link of here) {
    taps.push(link);
    if (link.master !== null) ports.set(link.master, [...(ports.get(link.master) ?? []), link]);
  }
  return { ...view, observed, taps, ports, members: (bridge) => ports.get(bridge) ?? [] };
}
