import { KernelError, type OperationFailure, type OperationOutcome } from '../model/kernel.js';
import type { Operation, OperationKind, OperationOf } from '../model/operation.js';
import { moveAddresses } from './addresses/move-addresses.js';
import { createVxlan, deleteVxlan, setForwarding, setVxlan } from './forwarding/operations.js';
import { disableIpv6, setIpv4, setIpv6 } from './ip-settings.js';
import {
  attach,
  createBridge,
  createSubinterface,
  deleteBridge,
  deleteSubinterface,
  detach,
  setBridgeOptions,
  setGroup,
  setLabel,
  setMac,
  setMtu,
  setUp,
} from './link-operations.js';
import { TornRead } from './netlink/message.js';
import { Refused } from './netlink/refused.js';
import type { Host } from './operation-context.js';

/** Carries out operations in order; see `Kernel.apply`. */
export function applyOperations(
  host: Omit<Host, 'made'>,
  operations: readonly Operation[],
): OperationOutcome[] {
  const working: Host = { ...host, made: new Map() };
  const stopped = new Map<string, string>();
  return operations.map((operation) => {
    const cause = stopped.get(deviceKey(operation)) ?? stopped.get(networkKey(operation));
    const failure =
      cause === undefined
        ? attempt(working, operation)
        : {
            errno: 'SKIPPED',
            message: `Not tried, because an operation before it failed: ${cause}`,
            worldChanged: false,
          };
    if (failure === null) return { ok: true, operation };
    const scope = operation.scope === 'network' ? networkKey(operation) : deviceKey(operation);
    if (!stopped.has(scope)) stopped.set(scope, cause ?? failure.message);
    return { ok: false, operation, failure };
  });
}

const deviceKey = ({ device }: Operation): string => `device ${device}`;
/** Without a network there is nothing beyond the device to stop. */
const networkKey = (operation: Operation): string =>
  operation.network === null ? deviceKey(operation) : `network ${operation.network}`;

/** Carries out one operation; null when it succeeded. */
function attempt(host: Host, operation: Operation): OperationFailure | null {
  try {
    host.catchUp();
    carryOut(host, operation);
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.failure;
    // The kernel's answer was lost or made no sense: whether it did what was asked shows in the next reading.
    if (error instanceof KernelError || error instanceof TornRead) {
      return { errno: 'EIO', message: error.message, worldChanged: true };
    }
    throw error;
  }
}

/** How each kind of operation is carried out. */
const APPLY: { readonly [Kind in OperationKind]: (host: Host, operation: OperationOf<Kind>) => void } = {
  'create-bridge': createBridge,
  'create-subinterface': createSubinterface,
  'set-label': setLabel,
  'disable-ipv6': disableIpv6,
  'set-ipv6': setIpv6,
  'set-ipv4': setIpv4,
  'set-group': setGroup,
  'set-tap-filter': (host, { drops }) => host.tapFilter.set(drops),
  'set-mac': setMac,
  'set-mtu': setMtu,
  'set-bridge-options': setBridgeOptions,
  'set-up': setUp,
  attach,
  detach,
  'move-addresses': moveAddresses,
  'delete-bridge': deleteBridge,
  'delete-subinterface': deleteSubinterface,
  'create-vxlan': createVxlan,
  'set-vxlan': setVxlan,
  'set-forwarding': setForwarding,
  'delete-vxlan': deleteVxlan,
};

const carryOut = <Kind extends OperationKind>(host: Host, operation: OperationOf<Kind>): void =>
  APPLY[operation.op](host, operation);
