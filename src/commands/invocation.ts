import type { LoadedSettings } from '../config/load.js';

/** Where a command prints; a value, so that tests and `cli.ts` decide. */
export interface Output {
  /** Human or JSON result, without trailing newline. */
  print(text: string): void;
  /** One sentence for a person, on stderr. */
  complain(text: string): void;
  /** False: whoever read stdout has left. */
  isRead(): boolean;
  /** True when stdout is a terminal: colour is welcome. */
  readonly colour: boolean;
}

/** What every command gets besides its own arguments. */
export interface Invocation {
  readonly loaded: LoadedSettings;
  readonly json: boolean;
  readonly output: Output;
}
