import {
  type ForwardingAnswer,
  type Link,
  type NetworkId,
  networkOfLabel,
  type Operation,
} from '../../model/index.js';
import type { View } from '../see/view.js';

/** A tunnel in a bridge of the agent whose network the database no longer has here: it is gone, or its removal is held. */
export interface LeftTunnel {
  readonly link: Link;
  readonly vni: number;
  readonly network: NetworkId;
}

/** The tunnels in bridges of the agent that belong to none of these networks. */
export function leftTunnels(view: View, served: ReadonlySet<NetworkId>): readonly LeftTunnel[] {
  return [...view.observed.links.values()].flatMap((link) => {
    const bridge = link.master === null ? undefined : view.agentBridges.get(link.master);
    const network = bridge === undefined ? null : networkOfLabel(bridge.alias);
    return link.detail.kind === 'vxlan' && network !== null && !served.has(network)
      ? [{ link, vni: link.detail.vni, network }]
      : [];
  });
}

/**
 * A left tunnel leaves its bridge at once, whatever the guard holds, when its VNI is another network's now: frames of two
 * tenants would meet in it.
 */
export function reusedVniOperations(
  view: View,
  left: readonly LeftTunnel[],
  { vnis }: Pick<ForwardingAnswer, 'vnis'>,
): readonly Operation[] {
  return left.flatMap(({ link, vni, network }): Operation[] => {
    const other = vnis.get(vni)?.find((id) => id !== network);
    const bridge = link.master === null ? undefined : view.agentBridges.get(link.master);
    if (other === undefined || bridge === undefined) return [];
    return [
      {
        op: 'detach',
        device: link.name,
        network,
        scope: 'device',
        target: { name: link.name, index: link.index },
        bridge: { name: bridge.name, index: bridge.index },
        reason: `VNI ${vni} is network ${other}'s now`,
      },
    ];
  });
}
