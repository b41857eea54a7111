import {
  type ForwardingAnswer,
  type Network,
  type NetworkId,
  networkOfLabel,
  type Operation,
  present,
} from '../../model/index.js';
import { type Bridge, isBridgeOf, type TunnelLink, type View } from '../see/view.js';

/** A tunnel in a bridge of the agent whose VNI the rows of the bridge's network do not have: it is gone, or its removal is held. */
export interface LeftTunnel {
  readonly link: TunnelLink;
  readonly vni: number;
  readonly bridge: Bridge;
}

/** The tunnels in bridges of the agent that none of these networks has there. */
export function leftTunnels(
  view: View,
  networks: ReadonlyMap<NetworkId, Pick<Network, 'id' | 'segments'>>,
): readonly LeftTunnel[] {
  const owners = new Map<number, NetworkId[]>();
  for (const { id, segments } of view.tunnels.length === 0 ? [] : networks.values())
    for (const segment of segments)
      if (segment.kind === 'vxlan') owners.set(segment.vni, [...(owners.get(segment.vni) ?? []), id]);
  return view.tunnels.flatMap((link): LeftTunnel[] => {
    const bridge = link.master === null ? undefined : view.agentBridges.get(link.master);
    if (bridge === undefined) return [];
    const { vni } = link.detail;
    const isOwned = owners.get(vni)?.some((id) => isBridgeOf(bridge, id)) === true;
    return isOwned ? [] : [{ link, vni, bridge }];
  });
}

/**
 * A left tunnel leaves its bridge at once, whatever the guard holds, when its VNI is another network's now: frames of two
 * tenants would meet in it.
 */
export const reusedVniOperations = (
  left: readonly LeftTunnel[],
  { vnis }: Pick<ForwardingAnswer, 'vnis'>,
): readonly Operation[] =>
  left.flatMap(({ link, vni, bridge }): Operation[] => {
    const owners = vnis.get(vni) ?? [];
    const [other] = owners;
    if (other === undefined || owners.some((id) => isBridgeOf(bridge, id))) return [];
    return [
      {
        op: 'detach',
        device: link.name,
        network: networkOfLabel(bridge.alias),
        scope: 'device',
        target: present(link),
        bridge: present(bridge),
        reason: `VNI ${vni} is network ${other}'s now`,
      },
    ];
  });
