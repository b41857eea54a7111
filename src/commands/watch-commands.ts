import { type Command, CommanderError } from 'commander';
import { messageOf } from '../model/index.js';
import { STATES } from '../monitoring/nagios.js';
import { parseLimit, parseName } from './arguments.js';
import { CHECK_TIMEOUT_MS, MEASURE_NAMES, measuresHelp } from './check-measures.js';
import type { Runner } from './invocation.js';
import { writeOut } from './terminal.js';

const CHECK_HELP = `
Ranges are written NAME=RANGE,NAME=RANGE; RANGE is [@][START:]END as in any plugin, and
a bare one is for ${MEASURE_NAMES[0]}. Names and what they count (default -w, default -c):
${measuresHelp()}
Exit: 0 OK, 1 WARNING, 2 CRITICAL (also: no agent, no database), 3 UNKNOWN.
`;

/** The commands that look at the agent and change nothing: `status`, `explain`, `check`. */
export function addWatchCommands(program: Command, { withSettings, withoutPassword }: Runner): void {
  program
    .command('status')
    .description('what the running agent sees and last did')
    .action(() => withoutPassword(async (invocation) => (await import('./status.js')).status(invocation)));
  program
    .command('explain')
    .argument('<what>', 'id of a port or network, or name of a tap or bridge, or how one begins', parseName)
    .description('why it is, or is not, wired: the whole chain, with the row or device at fault')
    .action((what: string) =>
      withSettings(async (invocation) => (await import('./explain.js')).explain(invocation, what)),
    );
  const check = program
    .command('check')
    .description('plugin for Nagios and Icinga: one line with performance data')
    .option('-w, --warning <ranges>', 'when to warn')
    .option('-c, --critical <ranges>', 'when it is critical')
    .option(
      '-t, --timeout <seconds>',
      `how long to wait for an answer (default: ${CHECK_TIMEOUT_MS / 1000})`,
      parseLimit,
    )
    .option('--direct', 'look at kernel and database itself: for hosts where once runs from cron')
    .addHelpText('after', CHECK_HELP);
  asPlugin(check);
  check.action(
    ({ warning = '', critical = '', timeout = CHECK_TIMEOUT_MS, direct = false }: CheckArguments) => {
      const run = direct ? withSettings : withoutPassword;
      return run(
        async (invocation) => {
          const { check, unknown } = await import('./check.js');
          try {
            return await check(invocation, { warning, critical, timeoutMs: timeout, direct });
          } catch (error) {
            // Whatever its surroundings refuse, a plugin says it in one line and with a code of its own.
            return unknown(invocation.output, messageOf(error));
          }
        },
        async (output, problems) => (await import('./check.js')).unknown(output, problems.join(' ')),
      );
    },
  );
}

interface CheckArguments {
  readonly warning?: string;
  readonly critical?: string;
  readonly timeout?: number;
  readonly direct?: boolean;
}

/** A plugin that is used wrongly says so on stdout and ends with UNKNOWN; so it does with its help. */
function asPlugin(command: Command): void {
  command
    .showHelpAfterError(false)
    .configureOutput({
      writeErr: writeOut,
      outputError: (text, write) => write(`UNKNOWN: ${text.replace(/^error: /, '')}`),
    })
    .exitOverride(({ code, message }) => {
      throw new CommanderError(STATES.UNKNOWN, code, message);
    });
}
