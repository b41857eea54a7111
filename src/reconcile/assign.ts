import type { Link, NetworkId, Port, Warning, WarningCode } from '../model/index.js';
import type { UnwireCause, World } from './desired.js';
import { indexPorts, type Match, matchTap } from './match.js';

/** What a tap's row asks for, before anything is known of its network. */
export type Assignment =
  | { readonly kind: 'network'; readonly tap: Link; readonly port: Port; readonly network: NetworkId }
  | {
      readonly kind: 'unwire';
      readonly tap: Link;
      readonly port: Port | null;
      readonly cause: Extract<UnwireCause, 'admin-down' | 'row-missing'>;
    }
  | {
      readonly kind: 'leave';
      readonly tap: Link;
      readonly port: Port | null;
      readonly warning: Warning | null;
    }
  | { readonly kind: 'unknown'; readonly tap: Link };

/** Reads the contract's table from top to bottom for every tap that is here. */
export function assignTaps(world: World): Assignment[] {
  const index = indexPorts(world.knowledge.ports);
  return world.view.taps.map((tap) => assignTap(world, tap, matchTap(index, tap)));
}

function assignTap(world: World, tap: Link, match: Match): Assignment {
  switch (match.kind) {
    case 'ambiguous':
      return ambiguous(tap, match.ports);
    case 'none':
      return withoutRow(world, tap);
    case 'one':
      return assignTo(tap, match.port);
  }
}

function withoutRow(world: World, tap: Link): Assignment {
  const before = world.knowledge.presentBefore;
  if (before === null || !before.has(tap.index)) return { kind: 'unknown', tap };
  // A mapped bridge is not the agent's: a tap in it may belong to somebody else altogether, unless this
  // agent has known its port.
  const inMappedBridge = tap.master !== null && world.view.mappedBridges.has(tap.master);
  if (inMappedBridge && !world.knownTaps.has(tap.name)) {
    return { kind: 'leave', tap, port: null, warning: null };
  }
  return { kind: 'unwire', tap, port: null, cause: 'row-missing' };
}

function assignTo(tap: Link, port: Port): Assignment {
  switch (port.binding.kind) {
    case 'elsewhere':
      return left(
        tap,
        port,
        'PORT_BOUND_ELSEWHERE',
        `port ${port.id} is bound to host ${port.binding.host}, and its tap ${tap.name} is here: left alone`,
      );
    case 'other-driver':
      return left(
        tap,
        port,
        'PORT_OTHER_DRIVER',
        `port ${port.id} has vif_type ${port.binding.vifType}: its tap ${tap.name} is left alone`,
      );
    case 'here':
    case 'arriving':
    case 'unhosted':
      return port.adminUp
        ? { kind: 'network', tap, port, network: port.networkId }
        : { kind: 'unwire', tap, port, cause: 'admin-down' };
  }
}

const left = (tap: Link, port: Port, code: WarningCode, message: string): Assignment => ({
  kind: 'leave',
  tap,
  port,
  warning: { code, message, port: port.id, network: port.networkId, device: tap.name },
});

function ambiguous(tap: Link, ports: readonly Port[]): Assignment {
  const ids = ports.map(({ id }) => id).sort();
  const [first] = ids;
  return {
    kind: 'leave',
    tap,
    port: null,
    warning: {
      code: 'PORT_AMBIGUOUS',
      message: `tap ${tap.name} may belong to ${ids.slice(0, 4).join(' or ')}: left alone`,
      device: tap.name,
      ...(first === undefined ? {} : { port: first }),
    },
  };
}
