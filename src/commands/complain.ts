import {
  type ExitCode,
  FAILURES,
  type FailureCode,
  isRefusal,
  messageOf,
  oneLine,
  stackOf,
} from '../model/index.js';
import type { Output } from './invocation.js';

/** Failures of the catalogue that end a command. */
export type FatalCode = {
  [Code in FailureCode]: (typeof FAILURES)[Code]['exit'] extends null ? never : Code;
}[FailureCode];

/** Says what happened, with its code and what to do, and gives the exit code that belongs to it; null: the command goes on. */
export function complain<Code extends FailureCode>(
  output: Output,
  code: Code,
  message: string,
): (typeof FAILURES)[Code]['exit'] {
  output.complain(`${code}: ${oneLine(message)}\n  ${FAILURES[code].remedy}`);
  return FAILURES[code].exit;
}

/**
 * Says what nobody foresaw: what the surroundings refused (a folder, /proc, an account without a name) in one sentence,
 * anything else as a fault of this program, with the place in it. Gives the exit code.
 */
export const complainOfThrown = (output: Output, thrown: unknown): ExitCode =>
  isRefusal(thrown)
    ? complain(output, 'SYSTEM_REFUSED', messageOf(thrown))
    : complainOfFault(output, stackOf(thrown));

/** A stack has many lines. */
function complainOfFault(output: Output, stack: string): ExitCode {
  const { remedy, exit } = FAILURES.INTERNAL_FAULT;
  output.complain(`INTERNAL_FAULT: a fault of this program: ${stack}\n  ${remedy}`);
  return exit;
}
