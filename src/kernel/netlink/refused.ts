import { KernelError, type OperationFailure } from '../../model/kernel.js';
import type { Answer } from './requests.js';

/** Errors that say that the host is not as it was when the plan was made. */
const WORLD_CHANGED = new Set([
  'EEXIST',
  'EBUSY',
  'ENODEV',
  'ENXIO',
  'ENOENT',
  'ESRCH',
  'EADDRNOTAVAIL',
  'ENOBUFS',
]);

/**
 * What an errno says of more than the moment: that the process may not, or that this kernel has no such thing (no such
 * protocol; EINVAL: no such part of netfilter; ENOENT: nothing that makes such a chain or rule).
 */
const LASTING: Readonly<Record<string, KernelError['kind']>> = {
  EPERM: 'permission',
  EACCES: 'permission',
  EAFNOSUPPORT: 'unsupported',
  EPROTONOSUPPORT: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  EINVAL: 'unsupported',
  ENOENT: 'unsupported',
};

/** The kernel cannot be opened, or does not let itself be read. */
export const unreadable = (errno: string, message: string): KernelError =>
  new KernelError(LASTING[errno] ?? 'failed', message);

/** Throws KernelError when the kernel's answer is a refusal. */
export function expectReadable(answer: Answer): void {
  if (!answer.ok) throw unreadable(answer.errno, `The kernel refused to be read: ${answer.message}.`);
}

/** An operation cannot be carried out; it ends with this failure and the plan goes on. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly failure: OperationFailure;
  constructor(errno: string, message: string) {
    super(message);
    this.failure = { errno, message, worldChanged: WORLD_CHANGED.has(errno) };
  }
}

/** Throws Refused when the kernel's answer is a refusal; `what` says what was tried, as in `could not …`. */
export function expectDone(answer: Answer | undefined, what: string): void {
  if (answer === undefined || answer.ok) return;
  const why = answer.message === answer.errno ? answer.errno : `${answer.errno} (${answer.message})`;
  throw new Refused(answer.errno, `Could not ${what}: ${why}.${remedy(answer.errno)}`);
}

function remedy(errno: string): string {
  if (errno === 'EPERM') return ' The agent needs CAP_NET_ADMIN.';
  if (errno === 'EXFULL') return ' A bridge holds at most 1,023 ports.';
  return '';
}
