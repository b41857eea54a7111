import type { SelfSeen } from '../../model/index.js';
import { allTaps, type View } from '../see/view.js';

/** What of the host its heartbeat tells. Where `local_ip` is on no interface no tunnel can be made. */
export function seenOf(view: View): SelfSeen {
  const { tunnels } = view.settings;
  const address = tunnels?.local ?? null;
  const isServed = tunnels !== null && address !== null && view.addresses.has(address);
  return {
    devices: allTaps(view).length,
    tunnels: isServed ? { address, isPopulated: tunnels.multicast === null } : null,
  };
}
