import { commandTree, type Entry, type OptionEntry } from './command-tree.js';

const NAME = 'quantum-linuxbridge-agent';

/** The options that a command has besides those of the program, which are common to all. */
const ownOptions = ({ path, options }: Entry): readonly OptionEntry[] => (path.length === 0 ? [] : options);

/** A literal word of a shell. */
const quoted = (literal: string): string => `'${literal.replaceAll("'", "'\\''")}'`;

const flagsOf = (options: readonly OptionEntry[]): string[] => [
  ...new Set(options.flatMap(({ flags }) => flags)),
];

/** The arms of a `case` over the option that a value is for: what may be written there. */
function valueArms(options: readonly OptionEntry[]): string[] {
  const byAnswer = new Map<string, OptionEntry[]>();
  for (const option of options) {
    const answer = option.takesFile
      ? 'compopt -o default 2>/dev/null'
      : `COMPREPLY=($(compgen -W ${quoted(option.words.join(' '))} -- "$current"))`;
    byAnswer.set(answer, [...(byAnswer.get(answer) ?? []), option]);
  }
  return [...byAnswer].map(([answer, those]) => `    ${flagsOf(those).join('|')}) ${answer}; return ;;`);
}

/** Completion for bash. What is before the cursor and is neither an option nor its value is the command. */
export function bashCompletion(): string {
  const entries = commandTree();
  const withValue = entries.flatMap(({ options }) => options).filter((option) => option.withValue);
  const arms = entries.map((entry) => {
    const words = [...entry.commands, ...flagsOf(ownOptions(entry))];
    return `    ${quoted(entry.path.join(' '))}) words=${quoted(words.join(' '))} ;;`;
  });
  return `# bash completion for ${NAME}, made from the lists behind its --help.

_quantum_linuxbridge_agent() {
  local current=\${COMP_WORDS[COMP_CWORD]} command='' words='' index
  local common=${quoted(flagsOf(entries[0]?.options ?? []).join(' '))}
  COMPREPLY=()
  case \${COMP_WORDS[COMP_CWORD - 1]} in
${valueArms(withValue).join('\n')}
  esac
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      ${flagsOf(withValue).join('|')}) ((index++)) ;;
      -*) ;;
      *) command="\${command:+$command }\${COMP_WORDS[index]}" ;;
    esac
  done
  case $command in
${arms.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words $common" -- "$current"))
}
complete -F _quantum_linuxbridge_agent ${NAME}
`;
}

/** Completion for zsh, in the same way; here each word comes with what it means. */
export function zshCompletion(): string {
  const entries = commandTree();
  const described = new Map(entries.map(({ path, description }) => [path.join(' '), description]));
  const arms = entries.map((entry) => {
    const commands = entry.commands.map((name) =>
      quoted(`${name}:${described.get([...entry.path, name].join(' '))}`),
    );
    const options = ownOptions(entry).flatMap(zshOption);
    return `    ${quoted(entry.path.join(' '))}) commands=(${commands.join(' ')}) own=(${options.join(' ')}) ;;`;
  });
  const withValue = entries.flatMap(({ options }) => options).filter((option) => option.withValue);
  return `#compdef ${NAME}
# zsh completion for ${NAME}, made from the lists behind its --help.

local state line index command=''
local -a commands own common
common=(
${(entries[0]?.options ?? [])
  .flatMap(zshOption)
  .map((spec) => `  ${spec}`)
  .join('\n')}
)
for ((index = 2; index < CURRENT; index++)); do
  case $words[index] in
    ${flagsOf(withValue).join('|')}) ((index++)) ;;
    -*) ;;
    *) command="\${command:+$command }$words[index]" ;;
  esac
done
case $command in
${arms.join('\n')}
esac
_arguments $own $common '*:command:->command'
[[ $state == command ]] && (( $#commands )) && _describe command commands
`;
}

function zshOption({ flags, description, withValue, words, takesFile }: OptionEntry): string[] {
  const explained = description.replace(/[[\]:\\]/g, '\\$&');
  const values = takesFile ? '_files' : words.length > 0 ? `(${words.join(' ')})` : ' ';
  return flags.map((flag) => quoted(`*${flag}[${explained}]${withValue ? `:value:${values}` : ''}`));
}
