import type { Command } from 'commander';
import { makeProgram } from '../../src/commands/program.js';

/** A command with the words that lead to it, as `--help` lists it. */
export interface Entry {
  /** `[]` for the program itself, `['schema', 'grants']`. */
  readonly path: readonly string[];
  /** `schema grants`, with what it takes: `accept [fingerprint]`. */
  readonly usage: string;
  readonly description: string;
  /** `withValue`: the next word is its value; `words`: what may be written there, where that is a list. */
  readonly options: readonly OptionEntry[];
  /** The words that may follow. */
  readonly commands: readonly string[];
}

export interface OptionEntry {
  /** `-w`, `--warning`. */
  readonly flags: readonly string[];
  /** As help writes it: `-w, --warning <ranges>`. */
  readonly term: string;
  readonly description: string;
  readonly withValue: boolean;
  readonly words: readonly string[];
  readonly isSetting: boolean;
  readonly takesFile: boolean;
}

const nobody = async (): Promise<void> => {};

/** Every command there is, the program first: what man page and completion are made from. */
export function commandTree(): readonly Entry[] {
  const program = makeProgram({ withSettings: nobody, withoutPassword: nobody, withoutSettings: nobody });
  return entriesOf(program, []);
}

function entriesOf(command: Command, path: readonly string[]): Entry[] {
  const helper = command.createHelp();
  // `help COMMAND` says what `COMMAND --help` says.
  const subcommands = helper.visibleCommands(command).filter((one) => one.name() !== 'help');
  const takes = command.registeredArguments.map((one) =>
    one.required ? `<${one.name()}>` : `[${one.name()}]`,
  );
  const entry: Entry = {
    path,
    usage: [...path, ...takes].join(' '),
    description: command.description(),
    options: helper.visibleOptions(command).map((option) => ({
      flags: [option.short, option.long].filter((flag) => flag !== undefined),
      term: helper.optionTerm(option),
      description: helper.optionDescription(option),
      withValue: option.required,
      words: option.argChoices ?? wordsOf(option.flags),
      isSetting: option.helpGroupHeading !== undefined,
      takesFile: /<(?:file|PATH)>$/.test(option.flags),
    })),
    commands: subcommands.map((one) => one.name()),
  };
  return [entry, ...subcommands.flatMap((one) => entriesOf(one, [...path, one.name()]))];
}

/** Of `--log-format <auto|json|pretty>` and `--read-only <BOOLEAN>` the words. */
function wordsOf(flags: string): readonly string[] {
  const placeholder = /<([^>]*)>$/.exec(flags)?.[1] ?? '';
  if (placeholder === 'BOOLEAN') return ['true', 'false'];
  return placeholder.includes('|') ? placeholder.split('|') : [];
}
