import { PREFLIGHT, type PreflightCode } from '../model/preflight.js';
import type { WarningCode } from '../model/warning.js';

/** One result of the preflight: `finding` makes the check fail, `note` does not. */
export interface PreflightResult {
  readonly weight: 'finding' | 'note';
  readonly code: PreflightCode | WarningCode;
  readonly message: string;
  readonly remedy: string;
}

export const result = (code: PreflightCode, message: string): PreflightResult => {
  const { weight, remedy } = PREFLIGHT[code];
  return { weight, code, message, remedy };
};
