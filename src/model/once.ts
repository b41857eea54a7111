/**
 * `make`, but called once for each key. For keys that never change: what was made is kept as long as the key is.
 */
export function onceFor<Key extends object, Made>(make: (key: Key) => Made): (key: Key) => Made {
  const kept = new WeakMap<Key, { readonly made: Made }>();
  return (key) => {
    const entry = kept.get(key) ?? { made: make(key) };
    kept.set(key, entry);
    return entry.made;
  };
}
