import { readFileSync } from 'node:fs';
import { makeMark } from '../kernel/mark.js';
import type { Clock } from '../model/index.js';

/** Agents that start at one moment see each other, and each steps back for a while of its own. */
const TRIES_MAX = 4;
const PAUSE_MAX_MS = 100;
/** A command line, which anybody may fill, is cut. */
const COMMAND_LENGTH_MAX = 120;

/** `by` says for a person who holds it. */
export type Lock =
  | { readonly kind: 'held'; release(): void }
  | { readonly kind: 'taken'; readonly by: string };

/**
 * Takes the one-agent lock of this network namespace, to which bridges belong as well: each agent marks itself first and
 * then looks for others, so that of two at least one sees the other. `random` gives numbers from 0 to 1. Throws KernelError.
 */
export async function takeLock(clock: Clock, random: () => number): Promise<Lock> {
  let others: number[] = [];
  for (let count = 0; count < TRIES_MAX; count++) {
    if (count > 0) await new Promise<void>((settle) => clock.after(random() * PAUSE_MAX_MS, settle));
    const mark = makeMark();
    others = mark.others();
    if (others.length === 0) return { kind: 'held', release: mark.remove };
    mark.remove();
  }
  return { kind: 'taken', by: others.map(describeProcess).join(', ') };
}

/** The process and its program, without arguments: a password may be among them. */
function describeProcess(pid: number): string {
  try {
    const [program = '', ...words] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const script = words.find((word) => !word.startsWith('-')) ?? '';
    return `process ${pid} (${`${program} ${script}`.trim().slice(0, COMMAND_LENGTH_MAX)})`;
  } catch {
    // Of another process namespace (a container), or hidden from this user.
    return `process ${pid}, which cannot be seen from here`;
  }
}
