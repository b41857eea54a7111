import { ID_PREFIX_LENGTH, type Link, onceFor, type Port, tapSuffix } from '../../model/index.js';

/** The port that a tap belongs to. */
export type Match =
  | { readonly kind: 'one'; readonly port: Port }
  | { readonly kind: 'none' }
  /** Several ports share the prefix and their hosts do not tell which is meant. */
  | { readonly kind: 'ambiguous'; readonly ports: readonly Port[] };

/** Ports by the device they are plugged with, so that matching costs the same for one tap or a thousand. */
export interface PortIndex {
  readonly all: readonly Port[];
  readonly bySuffix: ReadonlyMap<string, readonly Port[]>;
  readonly byDevice: ReadonlyMap<string, readonly Port[]>;
}

/** Indexes ports by the first 11 characters of their interface id, or by the device name Essex gave them. */
export const indexPorts = onceFor((all: readonly Port[]): PortIndex => {
  const bySuffix = new Map<string, Port[]>();
  const byDevice = new Map<string, Port[]>();
  for (const port of all) {
    const [map, key] =
      port.deviceName === null
        ? ([bySuffix, port.interfaceId.slice(0, ID_PREFIX_LENGTH)] as const)
        : ([byDevice, port.deviceName] as const);
    const list = map.get(key);
    if (list === undefined) map.set(key, [port]);
    else list.push(port);
  }
  return { all, bySuffix, byDevice };
});

/**
 * The port of a tap. A suffix shorter than 11 characters is a whole id; a key of exactly 11 is a prefix
 * (the index cuts ids at 11, so equality of keys says both). Of several, the one bound to this host counts;
 * where none is, the one without a host, when every other is bound to another host.
 */
export function matchTap(index: PortIndex, tap: Pick<Link, 'name'>): Match {
  const suffix = tapSuffix(tap.name);
  const candidates = [
    ...(index.byDevice.get(tap.name) ?? []),
    ...(suffix === null ? [] : (index.bySuffix.get(suffix) ?? [])),
  ];
  const [first, second] = candidates;
  if (first === undefined) return { kind: 'none' };
  if (second === undefined) return { kind: 'one', port: first };
  const boundHere = candidates.filter(
    ({ binding }) => binding.kind === 'here' || binding.kind === 'arriving',
  );
  const [only, more] = boundHere.length > 0 ? boundHere : candidates.filter(isNotElsewhere);
  return only !== undefined && more === undefined && only.binding.kind !== 'other-driver'
    ? { kind: 'one', port: only }
    : { kind: 'ambiguous', ports: candidates };
}

const isNotElsewhere = ({ binding: { kind } }: Port): boolean => kind !== 'elsewhere' && kind !== 'standby';
