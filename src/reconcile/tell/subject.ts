import {
  type Answer,
  deviceOf,
  ID_PREFIX_LENGTH,
  isGatewayName,
  type Link,
  type LinkName,
  type NetworkId,
  networkId,
  networkOfLabel,
  type Port,
  type PortId,
  portId,
  type Question,
} from '../../model/index.js';
import { indexPorts, matchTap } from '../decide/match.js';
import { allTaps, type View } from '../see/view.js';

/** What is explained: a port with its tap, of which one may be missing, or a network. */
export type Subject =
  | {
      readonly kind: 'port';
      readonly name: string;
      readonly port: Port | null;
      readonly id: PortId | null;
      readonly tap: Link | null;
      /** What its tap is or would be called. */
      readonly tapName: LinkName;
    }
  | { readonly kind: 'network'; readonly name: string; readonly id: NetworkId };

/**
 * What the database has to be asked for besides what is here: `what` as a whole id, as the name of a tap or bridge, and,
 * from 11 characters on, as the beginning of an id. Shorter beginnings are looked for among what is here only.
 */
export function questionAbout(what: string): Question {
  const suffix = what.startsWith('tap') || what.startsWith('brq') ? what.slice(3) : what;
  const cut = suffix.slice(0, ID_PREFIX_LENGTH);
  if (cut === '') return { taps: [], bridges: [] };
  const device = isGatewayName(what) ? [{ by: 'device', device: what, wired: false } as const] : [];
  return {
    taps: [
      { by: 'id', id: portId(what), wired: false },
      { by: 'suffix', suffix: cut, wired: false },
      ...device,
    ],
    bridges: [
      { by: 'id', id: networkId(what) },
      { by: 'suffix', suffix: cut },
    ],
  };
}

/** Everything that `what` may mean. What it names in full wins over what it only begins. */
export function subjectsOf(what: string, view: View, answer: Answer): readonly Subject[] {
  const all = new Map<string, { readonly subject: Subject; readonly names: readonly string[] }>();
  for (const entry of [...portSubjects(view, answer), ...networkSubjects(view, answer)]) {
    if (!all.has(entry.subject.name)) all.set(entry.subject.name, entry);
  }
  const entries = [...all.values()];
  const exact = entries.filter(({ names }) => names.includes(what));
  const found =
    exact.length > 0 ? exact : entries.filter(({ names }) => names.some((name) => name.startsWith(what)));
  return found.map(({ subject }) => subject);
}

interface Named {
  readonly subject: Subject;
  readonly names: readonly string[];
}

function portSubjects(view: View, answer: Answer): Named[] {
  const index = indexPorts(answer.ports);
  const withTap = allTaps(view).map((tap): Named => {
    const match = matchTap(index, tap);
    const port = match.kind === 'one' ? match.port : null;
    const names = [tap.name, ...(port === null ? [] : [port.id])];
    const id = port?.id ?? null;
    return {
      subject: { kind: 'port', name: names.at(-1) ?? tap.name, port, id, tap, tapName: tap.name },
      names,
    };
  });
  const seen = new Set(withTap.map(({ subject }) => subject.name));
  const withoutTap = answer.ports
    .filter(({ id }) => !seen.has(id))
    .map((port): Named => {
      const name = deviceOf(port);
      const tap = view.observed.byName.get(name) ?? null;
      return {
        subject: { kind: 'port', name: port.id, port, id: port.id, tap, tapName: name },
        // A tap that is here speaks for itself, above: it may belong to several ports.
        names: tap === null ? [port.id, name] : [port.id],
      };
    });
  return [...withTap, ...withoutTap];
}

function networkSubjects(view: View, answer: Answer): Named[] {
  const rows = answer.networks.map(({ id }): Named => {
    const names = [id, `brq${id.slice(0, ID_PREFIX_LENGTH)}`];
    return { subject: { kind: 'network', name: id, id }, names };
  });
  const bridges = [...view.agentBridges.values()].flatMap((bridge): Named[] => {
    const suffix = bridge.name.slice(3);
    const id = networkOfLabel(bridge.alias);
    // An unlabelled bridge is named by its network where that has a row, which is above.
    if (id === null && answer.networks.some((network) => network.id.startsWith(suffix))) return [];
    const name = id ?? suffix;
    return [{ subject: { kind: 'network', name, id: networkId(name) }, names: [name, bridge.name] }];
  });
  return [...rows, ...bridges];
}
