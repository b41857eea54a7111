import type { HostSettings, Network, WarningCode } from '../../model/index.js';
import type { View } from '../see/view.js';
import { segmentOf } from './choose-segment.js';
import { realise } from './resolve-segment.js';

/** What a binding that is not this agent's says, in a clause about the port. */
export interface NotOurs {
  readonly code: Extract<WarningCode, 'PORT_OTHER_DRIVER' | 'PORT_UNBOUND' | 'PORT_BINDING_FAILED'>;
  readonly text: string;
}

/**
 * Why the port of a binding with this `vif_type` is not served here. ML2 binds a port once, when it is made or changed: a
 * binding that failed then, for example because the heartbeat of this host was late, stays so until somebody changes it.
 * `network` is that of the port, if it is known: where this host cannot serve it either, that is the likely reason.
 */
export function notOurs(
  vifType: string,
  network: Network | undefined,
  view: View,
  settings: HostSettings,
): NotOurs {
  switch (vifType) {
    case 'binding_failed': {
      const reason = unservedReason(network, view, settings);
      const because = reason === null ? '' : ` (${reason})`;
      return {
        code: 'PORT_BINDING_FAILED',
        text: `its binding failed, and stays so until it is bound again${because}`,
      };
    }
    case 'unbound':
      return { code: 'PORT_UNBOUND', text: 'nobody has bound it yet' };
    default:
      return { code: 'PORT_OTHER_DRIVER', text: `its vif_type is ${vifType}` };
  }
}

function unservedReason(network: Network | undefined, view: View, settings: HostSettings): string | null {
  if (network === undefined || network.segments.length === 0) return null;
  const realisation = realise(view, settings, network, segmentOf(network, settings));
  return realisation.ok ? null : realisation.warning.message;
}
