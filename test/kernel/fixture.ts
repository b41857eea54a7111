import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { openKernel } from '../../src/kernel/kernel.js';
import { type IfIndex, type LinkName, linkName, type NetworkId, networkId } from '../../src/model/ids.js';
import type { Kernel, OperationFailure, OperationOutcome } from '../../src/model/kernel.js';
import type { Link } from '../../src/model/link.js';
import type { LinkRef, Operation } from '../../src/model/operation.js';
import { waitUntil } from '../support/databases/servers.js';
import { type Cleanup, enterNamespace, makeNamespace } from '../support/host/netns.js';

export const NETWORK = networkId('aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee');
export const BRIDGE = linkName('brqaaaaaaaa-bb');

/** A namespace of the test's own, with the test process in it and a kernel opened there. */
export function kernelInNamespace(t: Cleanup): { ns: string; kernel: Kernel } {
  const ns = makeNamespace(t);
  enterNamespace(t, ns);
  const kernel = openKernel();
  t.after(() => kernel.close());
  return { ns, kernel };
}

/** The link of that name in the kernel's own picture. */
export function linkOf(kernel: Kernel, name: string): Link {
  const link = kernel.observe().byName.get(linkName(name));
  assert.ok(link, `${name} is not in the picture`);
  return link;
}

export const refOf = (kernel: Kernel, name: string): LinkRef => {
  const { name: exact, index } = linkOf(kernel, name);
  return { name: exact, index };
};

/** A link that an earlier operation of the same list makes. */
export const madeRef = (name: string): LinkRef => ({ name: linkName(name), index: null });

interface Common {
  readonly device: LinkName;
  readonly reason: string;
  readonly network: NetworkId | null;
  readonly scope: 'network' | 'device';
}

/** What every operation says about itself. */
export const about = (device: string, scope: 'network' | 'device' = 'network'): Common => ({
  device: linkName(device),
  reason: 'a test asks for it',
  network: NETWORK,
  scope,
});

export const createBridge = (name: string = BRIDGE, mac = 'fa:16:3e:00:00:01'): Operation => ({
  ...about(name),
  op: 'create-bridge',
  mac,
  vlanFiltering: false,
});

export const attach = (target: LinkRef, bridge: LinkRef): Operation => ({
  ...about(target.name, 'device'),
  op: 'attach',
  target,
  bridge,
});

export const detach = (target: LinkRef, bridge: LinkRef): Operation => ({
  ...about(target.name, 'device'),
  op: 'detach',
  target,
  bridge,
});

/** Carries out operations that all have to succeed. */
export function applied(kernel: Kernel, ...operations: Operation[]): void {
  const failed = kernel.apply(operations).filter((outcome) => !outcome.ok);
  assert.deepEqual(failed, []);
}

/** Carries out one operation that has to fail. */
export function refused(kernel: Kernel, operation: Operation): OperationFailure {
  const [outcome] = kernel.apply([operation]);
  assert.ok(outcome !== undefined && !outcome.ok, `${operation.op} on ${operation.device} succeeded`);
  return outcome.failure;
}

/** `ok` or the errno of each outcome. */
export const verdicts = (outcomes: readonly OperationOutcome[]): string[] =>
  outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.failure.errno));

/** The socket that is subscribed to notifications in the test's own namespace: bytes that wait for it, and how many the kernel dropped. */
export function notifications(): { readonly waiting: number; readonly dropped: number } {
  const [, ...rows] = readFileSync('/proc/self/net/netlink', 'utf8').trim().split('\n');
  const subscribed = rows
    .map((row) => row.trim().split(/\s+/))
    .find(([, , , groups]) => Number(groups) !== 0);
  return { waiting: Number(subscribed?.[4]), dropped: Number(subscribed?.[8]) };
}

/** Waits until `condition` holds. */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  await waitUntil(condition, what);
}

export const indexOf = (index: number): IfIndex => index as IfIndex;
