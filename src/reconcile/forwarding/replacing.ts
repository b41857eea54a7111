import type { NetworkId } from '../../model/index.js';
import type { ServedTunnel } from './decide-forwarding.js';
import type { PairInput } from './guard-pairs.js';
import type { Tunnel } from './resolve-tunnel.js';

/** A tunnel that is there makes way for one as this agent makes it: whoever is behind it loses some frames. */
export interface Replacing {
  /** Stable from poll to poll. */
  readonly key: string;
  readonly network: NetworkId;
  readonly tunnel: Tunnel;
}

interface Judged {
  readonly asked: readonly Replacing[];
  readonly held: ReadonlyMap<string, string>;
  readonly go: ReadonlySet<string>;
  /** Why each of these is replaced in this pass. */
  readonly reasons: ReadonlyMap<NetworkId, string>;
}

/** The agent never does it by itself, but for a tunnel that is another network's: entries of two tenants must not meet in it. */
export function judgeReplacing({
  served,
  accepted,
}: Pick<PairInput, 'accepted'> & { readonly served: readonly ServedTunnel[] }): Judged {
  const asked = served.flatMap(({ network, tunnel }): Replacing[] =>
    tunnel.differs.length === 0 || tunnel.isOfAnother
      ? []
      : [{ key: `replace ${tunnel.name} ${tunnel.existing?.index}`, network, tunnel }],
  );
  const accepting = asked.filter(({ key }) => accepted === 'all' || accepted.has(key));
  const go = new Set(accepting.map(({ key }) => key));
  const others = served.filter(({ tunnel }) => tunnel.isOfAnother);
  return {
    asked,
    held: new Map(
      asked.flatMap(({ key }): [string, string][] =>
        go.has(key) ? [] : [[key, 'it is used as it is until somebody accepts that frames are lost']],
      ),
    ),
    go,
    reasons: new Map([
      ...accepting.map(({ network, tunnel }) => [network, tunnel.differs.join('; ')] as const),
      ...others.map(({ network }) => [network, 'it was another network’s'] as const),
    ]),
  };
}
