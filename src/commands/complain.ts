import { type ExitCode, FAILURES, type FailureCode } from '../model/index.js';
import type { Output } from './invocation.js';

/** Failures of the catalogue that end a command. */
export type FatalCode = {
  [Code in FailureCode]: (typeof FAILURES)[Code]['exit'] extends null ? never : Code;
}[FailureCode];

/** Says what happened, with its code and what to do, and gives the exit code that belongs to it. */
export function complain(output: Output, code: FatalCode, message: string): ExitCode {
  output.complain(`${code}: ${message}\n  ${FAILURES[code].remedy}`);
  return FAILURES[code].exit;
}
