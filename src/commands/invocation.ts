import type { LoadedSettings, LoadResult } from '../config/load.js';
import type { ExitCode } from '../model/index.js';

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

/** A command's work. `loadAgain` reads the settings as they are then. */
export type Action = (invocation: Invocation, loadAgain: () => LoadResult) => ExitCode | Promise<ExitCode>;

/** Tells what is wrong with the settings, and gives the exit code. */
export type Refuse = (output: Output, problems: readonly string[]) => Promise<ExitCode>;

/** How a command is run: with the settings loaded first, or without any. */
export interface Runner {
  /** `refuse` says that the settings are wrong, where a command has its own way to say it. */
  withSettings(action: Action, refuse?: Refuse): Promise<void>;
  /** Settings without a password, for a command that asks the running agent and no database: see `loadSettingsWithoutPassword`. */
  withoutPassword(action: Action, refuse?: Refuse): Promise<void>;
  withoutSettings(
    action: (printing: Pick<Invocation, 'json' | 'output'>) => Promise<ExitCode>,
  ): Promise<void>;
}
