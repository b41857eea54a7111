import type { HostSettings, HostState, IfIndex, Link, LinkName } from '../model/index.js';
import { isTap, type View } from './view.js';

/** The taps in which a state of the host differs from an earlier one, when nothing else does. */
export interface TapChanges {
  /** Those that came or changed, as they are now. */
  readonly here: readonly Link[];
  /** Names and indexes of all of them, also of those that went. */
  readonly names: ReadonlySet<LinkName>;
  readonly indexes: ReadonlySet<IfIndex>;
}

/** What has changed between two states; null when any link did that is more than a tap. */
export function tapChanges(before: HostState, now: HostState, settings: HostSettings): TapChanges | null {
  const here: Link[] = [];
  const all: Link[] = [];
  for (const [index, link] of now.links) {
    const old = before.links.get(index);
    if (old === link) continue;
    here.push(link);
    all.push(link);
    if (old !== undefined) all.push(old);
  }
  for (const [index, old] of before.links) if (!now.links.has(index)) all.push(old);
  const physical = new Set<LinkName>(settings.physicalInterfaces.values());
  // A tap may be mapped, or carry VLANs, like any device: then it is somebody's uplink.
  const isOnlyTap = (link: Link): boolean =>
    isTap(link) && link.detail.kind === 'other' && !physical.has(link.name);
  if (!all.every(isOnlyTap)) return null;
  return {
    here,
    names: new Set(all.map(({ name }) => name)),
    indexes: new Set(all.map(({ index }) => index)),
  };
}

/** The view of a state in which only these taps differ from an earlier one; what they do not touch stays the same. */
export function viewAfter(before: View, observed: HostState, { here, indexes }: TapChanges): View {
  const isSame = ({ index }: Link): boolean => !indexes.has(index);
  const ports = new Map(before.ports);
  for (const index of indexes) {
    const master = before.observed.links.get(index)?.master ?? null;
    if (master !== null) ports.set(master, before.members(master).filter(isSame));
  }
  for (const link of here) {
    if (link.master === null) continue;
    ports.set(link.master, [...(ports.get(link.master) ?? []), link]);
  }
  const taps = [...before.taps.filter(isSame), ...here];
  return { ...before, observed, taps, ports, members: (bridge) => ports.get(bridge) ?? [] };
}
