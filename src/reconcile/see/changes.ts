import {
  changedKeys,
  type HostSettings,
  type HostState,
  type IfIndex,
  type Link,
  type LinkName,
  withChanges,
} from '../../model/index.js';
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
  if (before.tapFilter !== now.tapFilter) return null;
  const here: Link[] = [];
  const all: Link[] = [];
  for (const index of changedKeys(before.links, now.links)) {
    const [old, link] = [before.links.get(index), now.links.get(index)];
    if (link !== undefined) here.push(link);
    for (const one of [link, old]) if (one !== undefined) all.push(one);
  }
  const physical = new Set<string>(settings.physicalInterfaces.values());
  // A tap may be mapped, or carry VLANs, like any device: then it is somebody's uplink.
  const isOnlyTap = (link: Link): boolean =>
    isTap(link) &&
    link.detail.kind === 'other' &&
    ![link.name, ...link.altNames].some((name) => physical.has(name));
  if (!all.every(isOnlyTap)) return null;
  return {
    here,
    names: new Set(all.map(({ name }) => name)),
    indexes: new Set(all.map(({ index }) => index)),
  };
}

/** The view of a state in which only these taps differ from an earlier one; what they do not touch stays the same. */
export function viewAfter(before: View, observed: HostState, { here, indexes }: TapChanges): View {
  const masters = new Map<IfIndex, readonly Link[]>();
  const membersOf = (master: IfIndex): readonly Link[] => masters.get(master) ?? before.members(master);
  for (const index of indexes) {
    const master = before.observed.links.get(index)?.master ?? null;
    if (master !== null)
      masters.set(
        master,
        membersOf(master).filter((link) => link.index !== index),
      );
  }
  for (const link of here)
    if (link.master !== null) masters.set(link.master, [...membersOf(link.master), link]);
  const ports = withChanges(before.ports, masters);
  const taps = withChanges(
    before.taps,
    [...indexes].map((index) => [index, observed.links.get(index)] as const),
  );
  return { ...before, observed, taps, ports, members: (bridge) => ports.get(bridge) ?? [] };
}
