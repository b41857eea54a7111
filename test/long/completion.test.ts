import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { privateFolder } from '../support/databases/servers.js';
import { bootContainer, type Container, makeDebian } from '../support/host/container.js';
import { buildPackages } from '../support/host/package.js';
import { installDeb } from '../support/host/packaged-host.js';

const NAME = 'quantum-linuxbridge-agent';

/** A shell that a person sits at: a Debian package with what else makes its completion, and how a key tells the line as it stands. */
interface Shell {
  readonly command: string;
  readonly packages: readonly string[];
  readonly preparation: readonly string[];
}

const LINES = '/srv/lines';
const SHELLS: readonly Shell[] = [
  {
    command: 'zsh -f -i',
    packages: ['zsh'],
    preparation: [
      'autoload -Uz compinit && compinit -u',
      `tell() { print -r -- "$BUFFER" >>${LINES}; BUFFER= }`,
      "zle -N tell && bindkey '^T' tell",
    ],
  },
  {
    command: 'bash --norc -i',
    packages: ['bash-completion'],
    preparation: [
      '. /usr/share/bash-completion/bash_completion',
      `tell() { printf '%s\\n' "$READLINE_LINE" >>${LINES}; READLINE_LINE=; }`,
      `bind -x '"\\C-t": tell'`,
    ],
  },
];

/** What is typed before the tabulator, and what the line is behind it. */
const CASES = [
  ['sc', 'schema'],
  ['--log-level debug --json stat', '--log-level debug --json status'],
  ['schema gr', 'schema grants'],
  ['once --acc', 'once --accept-removals'],
  ['plan --acc', 'plan --acc'],
  ['plan --polling', 'plan --polling-interval'],
  ['--log-format p', '--log-format pretty'],
  ['schema sql --dialect my', 'schema sql --dialect mysql'],
  ['--config-file /etc/quantum/q', '--config-file /etc/quantum/quantum-linuxbridge-agent.ini'],
] as const;

/** The lines that a shell on a terminal of its own (zsh's zpty) makes of these when the tabulator is pressed behind each. */
async function completed(container: Container, shell: Shell, typed: readonly string[]): Promise<string[]> {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const script = [
    'zmodload zsh/zpty',
    `zpty shell ${quoted(`TERM=dumb PS1= ${shell.command}`)}`,
    ...shell.preparation.map((line) => `zpty -w shell ${quoted(line)}`),
    ...typed.map((line) => `zpty -w -n shell ${quoted(`${NAME} ${line}`)}$'\\t\\x14'`),
    "zpty -w shell 'exit'",
    'while zpty -r shell printed; do print -rn -- $printed; done',
  ];
  writeFileSync(join(container.root, 'srv/type.zsh'), script.join('\n'));
  const printed = await container.run(`rm -f ${LINES}; zsh -f /srv/type.zsh; cat ${LINES} >&2`);
  const { stdout } = await container.tried(`cat ${LINES}`);
  const lines = stdout.split('\n').slice(0, -1);
  assert.equal(lines.length, typed.length, printed);
  return lines.map((line) => line.slice(NAME.length).trim());
}

describe('completion, as the package installs it', () => {
  let deb: string;
  let debian: string;
  before(() => {
    deb = buildPackages(privateFolder('packages'), { kinds: ['deb'] })[0] ?? '';
    debian = makeDebian(
      'bookworm',
      SHELLS.flatMap(({ packages }) => packages),
    );
  });

  for (const shell of SHELLS) {
    test(`${shell.command}: the tabulator completes commands, options and what may be written for them`, async (t) => {
      const container = await bootContainer(t, debian);
      await installDeb(container, deb);
      const typed = CASES.map(([before]) => before);
      const expected = CASES.map(([, after]) => after);
      assert.deepEqual(await completed(container, shell, typed), expected);
    });
  }
});
