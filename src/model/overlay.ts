/**
 * Beyond this many changes a map is copied: a copy of 1,000 entries takes 0.3 ms and leaves some 100 KiB to be collected,
 * too much for every single tap that comes or goes, little for every thirty-second.
 */
export const CHANGES_MAX = 32;

/** A map, and what has changed since it was made. It is a value like the map itself: neither of the two changes any more. */
class Overlay<Key, Value> implements ReadonlyMap<Key, Value> {
  readonly size: number;
  readonly base: ReadonlyMap<Key, Value>;
  /** undefined: deleted. */
  readonly changes: ReadonlyMap<Key, Value | undefined>;

  constructor(base: ReadonlyMap<Key, Value>, changes: ReadonlyMap<Key, Value | undefined>) {
    let size = base.size;
    for (const [key, value] of changes) size += Number(value !== undefined) - Number(base.has(key));
    this.size = size;
    this.base = base;
    this.changes = changes;
  }

  get(key: Key): Value | undefined {
    const changed = this.changes.get(key);
    return changed !== undefined || this.changes.has(key) ? changed : this.base.get(key);
  }

  has(key: Key): boolean {
    return this.changes.has(key) ? this.changes.get(key) !== undefined : this.base.has(key);
  }

  forEach(visit: (value: Value, key: Key, map: ReadonlyMap<Key, Value>) => void): void {
    this.base.forEach((old, key) => {
      const value = this.changes.has(key) ? this.changes.get(key) : old;
      if (value !== undefined) visit(value, key, this);
    });
    for (const [key, value] of this.changes) {
      if (value !== undefined && !this.base.has(key)) visit(value, key, this);
    }
  }

  entries(): MapIterator<[Key, Value]> {
    return this.list((value, key): [Key, Value] => [key, value]);
  }

  keys(): MapIterator<Key> {
    return this.list((_, key) => key);
  }

  values(): MapIterator<Value> {
    return this.list((value) => value);
  }

  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.entries();
  }

  /** A list is gone through ten times faster than a generator. */
  private list<Item>(itemOf: (value: Value, key: Key) => Item): MapIterator<Item> {
    const items: Item[] = [];
    this.forEach((value, key) => {
      items.push(itemOf(value, key));
    });
    return items.values();
  }
}

/**
 * The map with these entries set, or deleted where the value is undefined; `before` stays as it is. O(changes), and O(map)
 * once in `CHANGES_MAX` changes. The order is that of a map: what was there keeps its place, what is new comes last; only
 * what is deleted and set again may come back to its old place. The same map when there are no changes.
 */
export function withChanges<Key, Value>(
  before: ReadonlyMap<Key, Value>,
  changes: Iterable<readonly [Key, Value | undefined]>,
): ReadonlyMap<Key, Value> {
  const base = baseOf(before);
  const all = new Map<Key, Value | undefined>(changesOf(before));
  let hasChanged = false;
  for (const [key, value] of changes) {
    hasChanged = true;
    if (value !== undefined || base.has(key)) all.set(key, value);
    else all.delete(key);
  }
  if (!hasChanged) return before;
  const after = new Overlay(base, all);
  return all.size > CHANGES_MAX ? copyOf(after) : after;
}

/** The keys whose values are not the same in both. O(changes) while the one follows on the other by few changes. */
export function changedKeys<Key, Value>(
  before: ReadonlyMap<Key, Value>,
  now: ReadonlyMap<Key, Value>,
): readonly Key[] {
  if (before === now) return [];
  const [one, other] = baseOf(before) === baseOf(now) ? [changesOf(before), changesOf(now)] : [before, now];
  return [...new Set([...one.keys(), ...other.keys()])].filter((key) => before.get(key) !== now.get(key));
}

const NO_CHANGES: ReadonlyMap<never, never> = new Map<never, never>();

const baseOf = <Key, Value>(map: ReadonlyMap<Key, Value>): ReadonlyMap<Key, Value> =>
  map instanceof Overlay ? map.base : map;

const changesOf = <Key, Value>(map: ReadonlyMap<Key, Value>): ReadonlyMap<Key, Value | undefined> =>
  map instanceof Overlay ? map.changes : NO_CHANGES;

/** `new Map(map)` would make an array of each entry. */
function copyOf<Key, Value>(map: ReadonlyMap<Key, Value>): Map<Key, Value> {
  const copy = new Map<Key, Value>();
  map.forEach((value, key) => {
    copy.set(key, value);
  });
  return copy;
}
