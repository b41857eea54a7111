import { type ForwardingTable, openForwarding } from '../../../src/kernel/forwarding/table.js';
import { openRequests } from '../../../src/kernel/netlink/requests.js';
import type { TunnelMaking } from '../../../src/model/forwarding.js';
import type { Kernel } from '../../../src/model/kernel.js';
import type { Link } from '../../../src/model/link.js';
import type { LinkRef, Operation } from '../../../src/model/operation.js';
import type { Cleanup } from '../../support/host/netns.js';
import { about, applied, kernelInNamespace, linkOf, refOf } from '../fixture.js';

export const DEVICE = 'vxlan-1001';
export const MAKING: TunnelMaking = {
  vni: 1001,
  port: 8472,
  local: '192.0.2.1',
  ttl: null,
  tos: null,
  sourcePorts: null,
  multicast: null,
};

/** A namespace with the test process in it, and what the kernel room has for tunnels. */
export interface TunnelHost {
  readonly ns: string;
  readonly kernel: Kernel;
  readonly table: ForwardingTable;
  link(name: string): Link;
  ref(name: string): LinkRef;
  apply(...operations: readonly Operation[]): void;
}

export function tunnelHost(t: Cleanup): TunnelHost {
  const { ns, kernel } = kernelInNamespace(t);
  const requests = openRequests();
  const table = openForwarding(requests);
  t.after(() => {
    table.close();
    requests.close();
  });
  return {
    ns,
    kernel,
    table,
    link: (name) => linkOf(kernel, name),
    ref: (name) => refOf(kernel, name),
    apply: (...operations) => applied(kernel, ...operations),
  };
}

export const create = (making: Partial<TunnelMaking> = {}, device = DEVICE): Operation => ({
  ...about(device),
  op: 'create-vxlan',
  making: { ...MAKING, ...making },
});
