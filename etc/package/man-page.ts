import { CONVENTIONAL_FILES } from '../../src/config/files.js';
import {
  environmentName,
  flagOf,
  SETTING_NAMES,
  type SettingName,
  settingOf,
} from '../../src/config/schema.js';
import { commandTree, type Entry, type OptionEntry } from './command-tree.js';

const NAME = 'quantum-linuxbridge-agent';

/** Text as troff prints it: nothing in it is a request, and a dash is a dash that can be searched for. */
const text = (plain: string): string =>
  plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');

const bold = (plain: string): string => `\\fB${text(plain)}\\fR`;

const item = (head: string, body: string): string => `.TP\n${head}\n${body}`;

const section = (title: string, ...lines: readonly string[]): string => [`.SH ${title}`, ...lines].join('\n');

/**
 * `quantum-linuxbridge-agent(8)`, from the same lists as `--help`; `manual` is the operator's manual, which has the exit codes.
 * `date` is that of the release.
 */
export function manPage(version: string, date: string, manual: string): string {
  const [program, ...commands] = commandTree();
  if (program === undefined) throw new Error('the program has no entry');
  const isNoGroup = ({ commands }: Entry): boolean => commands.length === 0;
  return `'\\" t
.TH ${NAME.toUpperCase().replaceAll('-', '\\-')} 8 ${date} "${NAME} ${version}" "System Administration"
${section('NAME', `${text(NAME)} \\- keeps the Linux bridges of a host in step with a shared Quantum or Neutron database`)}
${section('SYNOPSIS', `.B ${text(NAME)}`, '[\\fIoption\\fR ...] [\\fIcommand\\fR]')}
${section('DESCRIPTION', ...DESCRIPTION)}
${section('COMMANDS', ...commands.filter(isNoGroup).map(commandItem))}
${section('OPTIONS', ...program.options.filter(({ isSetting }) => !isSetting).map(optionItem))}
${section('SETTINGS', ...SETTINGS_INTRODUCTION, ...SETTING_NAMES.map(settingItem))}
${section('EXIT STATUS', ...exitCodeTables(manual))}
${section('FILES', ...FILES.map(([path, what]) => item(bold(path), text(what))))}
${section('SEE ALSO', SEE_ALSO)}
`;
}

const DESCRIPTION = [
  'One daemon a host. It polls the shared SQL database for the ports and network bindings of its host, compares them with the',
  "tap devices that are there, and changes the host's bridges until both agree. It needs CAP_NET_ADMIN and starts no program.",
  '.PP',
  'A database that is down, empty or full of nonsense changes nothing on the host; an agent that ends leaves the data plane as it is.',
];

const SETTINGS_INTRODUCTION = [
  'Each is a key of a section in a configuration file, an environment variable and an option. Later ones win: default, files,',
  'the systemd credential sql_password, environment, command line.',
];

const FILES = [
  [
    CONVENTIONAL_FILES.join(', '),
    'The first of these that sets anything is read, where no --config-file is given.',
  ],
  ['/var/lib/quantum-linuxbridge-agent', 'What outlives a restart (state_dir).'],
  ['/run/quantum-linuxbridge-agent', 'The control socket (run_dir).'],
  [
    '/usr/share/doc/quantum-linuxbridge-agent',
    'The manual, every error and metric, and examples for cron, Icinga, Prometheus and Grafana.',
  ],
] as const;

const SEE_ALSO = '.BR bridge (8),\n.BR ip\\-link (8),\n.BR systemd.service (5),\n.BR systemd.exec (5)';

const commandItem = ({ usage, description, options }: Entry): string =>
  [
    item(bold(usage), text(`${description[0]?.toUpperCase()}${description.slice(1)}.`)),
    ...options
      .filter(({ flags }) => !flags.includes('--help'))
      .map((option) => `.RS\n${optionItem(option)}\n.RE`),
  ].join('\n');

const optionItem = ({ term, description }: OptionEntry): string => item(bold(term), text(description));

function settingItem(name: SettingName): string {
  const { section, default: standard, doc, format } = settingOf(name);
  const facts = [
    `${format.expects}.`,
    ...(standard === null || standard === '' ? [] : [`Default: ${standard}.`]),
    `[${section}] ${name}, ${environmentName(name)}.`,
  ];
  return item(bold(`${flagOf(name)} ${format.placeholder}`), `${text(doc)}\n.br\n${text(facts.join(' '))}`);
}

/** The tables of the manual's own section, as tbl(1) wants them. */
function exitCodeTables(manual: string): string[] {
  const chapter = /\n## Exit codes\n([\s\S]*?)(?=\n## |$)/.exec(manual)?.[1];
  if (chapter === undefined) throw new Error('etc/README.md has no section "Exit codes"');
  return [...chapter.matchAll(/(?:^\|.*\|\n)+/gm)].map(([table]) => {
    const rows = table
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('|---'))
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim().replaceAll('`', '')),
      );
    const columns = rows[0]?.length ?? 0;
    const blocks = rows.map((cells) => cells.map((cell) => `T{\n${text(cell)}\nT}`).join('\t'));
    return [
      '.na',
      '.TS',
      'tab(\t);',
      `${Array(columns).fill('lb').join(' ')}`,
      `${Array(columns).fill('lx').join(' ')}.`,
      ...blocks,
      '.TE',
      '.ad',
    ].join('\n');
  });
}
