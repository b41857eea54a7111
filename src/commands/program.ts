import { Command, Help, Option } from 'commander';
import { commandLineOptions } from '../config/schema.js';
import { parseLimit, parseName, parsePause } from './arguments.js';
import type { Runner } from './invocation.js';
import { writeErr, writeOut } from './terminal.js';
import { version } from './version.js';
import { addWatchCommands } from './watch-commands.js';

/** The command line: what there is to say, and which module does it. A module is loaded only when it is asked for. */
export function makeProgram(runner: Runner): Command {
  const program = new Command('quantum-linuxbridge-agent')
    .description('Keeps the Linux bridges of this host in step with the shared Quantum database.')
    .version(version)
    .option('--config-file <file>', 'legacy INI file; may be given several times, later ones win', collect)
    .option('--json', 'print one JSON object instead of text')
    .exitOverride()
    .configureOutput({ writeOut, writeErr })
    .configureHelp({ formatHelp: commandsFirst })
    .showHelpAfterError('(--help shows the commands and settings)');
  for (const { flag, valueName, doc } of commandLineOptions()) {
    program.addOption(new Option(`${flag} <${valueName}>`, doc).helpGroup(SETTINGS_TITLE));
  }
  addPassCommands(program, runner);
  addWatchCommands(program, runner);
  addFleetCommand(program, runner);
  addSchemaCommands(program, runner);
  addConfigCommands(program, runner);
  return program;
}

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

const SETTINGS_TITLE = 'Settings:';

/** Commander lists options before commands; the many settings would hide what the program can do. */
function commandsFirst(command: Command, helper: Help): string {
  const text = new Help().formatHelp.call(helper, command, helper);
  const settings = text.indexOf(`\n${SETTINGS_TITLE}`);
  const commands = text.indexOf('\nCommands:');
  return settings < 0 || commands < settings
    ? text
    : `${text.slice(0, settings)}${text.slice(commands)}${text.slice(settings, commands)}`;
}

function addPassCommands(program: Command, { withSettings, withoutPassword }: Runner): void {
  const daemon = program.command('run', { isDefault: true }).description('the daemon (the default command)');
  // Whatever is no command's name is taken for an argument of the default command.
  daemon
    .allowExcessArguments()
    .hook('preAction', () => {
      const [unknown] = daemon.args;
      if (unknown !== undefined) program.error(`error: unknown command '${unknown}'`);
    })
    .action(() => withSettings(async (invocation, load) => (await import('./run.js')).run(invocation, load)));
  program
    .command('once')
    .description('one poll, one apply, then exit: for cron')
    .option('--accept-removals', 'let removals go ahead that the guard would hold')
    .option('--textfile <file>', "write metrics for node_exporter's textfile collector")
    .option('--timeout <seconds>', 'give up waiting for the database then', parseLimit)
    .action(({ timeout, ...options }: { acceptRemovals?: boolean; textfile?: string; timeout?: number }) =>
      withSettings(async (invocation) =>
        (await import('./once.js')).once(invocation, {
          acceptRemovals: options.acceptRemovals ?? false,
          textfile: options.textfile ?? null,
          timeoutMs: timeout ?? null,
        }),
      ),
    );
  program
    .command('plan')
    .description('what once would do, and change nothing')
    .action(() => withSettings(async (invocation) => (await import('./plan.js')).plan(invocation)));
  program
    .command('accept')
    .description("let the running agent's held removals go ahead, if they are still those of the fingerprint")
    .argument(
      '[fingerprint]',
      'as plan, status and the page show it; without one the list is shown, and you are asked',
    )
    .action((fingerprint: string | undefined) =>
      withoutPassword(async (invocation) =>
        (await import('./accept.js')).accept(invocation, fingerprint ?? null),
      ),
    );
}

function addFleetCommand(program: Command, { withSettings }: Runner): void {
  program
    .command('fleet')
    .description("every agent's heartbeat and port counts, read from the database")
    .addOption(
      new Option('--watch [seconds]', 'look again and again, with this pause')
        .preset('5')
        .argParser(parsePause),
    )
    .action(({ watch = null }: { watch?: number | null }) =>
      withSettings(async (invocation) => (await import('./fleet.js')).fleet(invocation, { watchMs: watch })),
    );
}

function addSchemaCommands(program: Command, { withSettings, withoutSettings }: Runner): void {
  const schema = program.command('schema').description('for the DBA: what the agent needs of the database');
  schema
    .command('check')
    .description('the tables and columns that are needed, and those that were found')
    .action(() =>
      withSettings(async (invocation) => (await import('./schema-check.js')).schemaCheck(invocation)),
    );
  schema
    .command('sql')
    .description('the migrations as SQL to review and apply by hand; needs no connection')
    .addOption(
      new Option('--dialect <dialect>', 'of the server')
        .choices(['mysql', 'postgresql'])
        .makeOptionMandatory(),
    )
    .option('--down', 'the way back')
    .action(({ dialect, down = false }: { dialect: 'mysql' | 'postgresql'; down?: boolean }) =>
      withoutSettings(async (printing) =>
        (await import('./schema-sql.js')).schemaSql(printing, { dialect, down }),
      ),
    );
  schema
    .command('grants')
    .description('the GRANT statements that the agent needs on this database')
    .requiredOption('--user <user>', "the agent's account", parseName)
    .option('--host <host>', 'where the account connects from (MySQL; % is anywhere)', '%')
    .action((_: unknown, command: Command) =>
      withSettings(async (invocation) => {
        // The setting of the same name takes what is written after the command too.
        const { user, host } = command.optsWithGlobals<{ user: string; host: string }>();
        return (await import('./schema-grants.js')).schemaGrants(invocation, { user, host });
      }),
    );
  schema
    .command('migrate')
    .description('apply the migrations that have not been applied')
    .action(() =>
      withSettings(async (invocation) => (await import('./schema-migrate.js')).schemaMigrate(invocation)),
    );
  schema
    .command('rollback')
    .description('take back the last migrations: drops the tables that they made, with all their rows')
    .action(() =>
      withSettings(async (invocation) => (await import('./schema-migrate.js')).schemaRollback(invocation)),
    );
}

function addConfigCommands(program: Command, { withSettings }: Runner): void {
  const config = program.command('config').description('the effective settings');
  config
    .command('show')
    .description('every setting and where it came from, secrets masked')
    .action(() =>
      withSettings(async (invocation) => (await import('./config-show.js')).configShow(invocation)),
    );
  config
    .command('check')
    .description('the settings against this host and the database')
    .action(() =>
      withSettings(async (invocation) => {
        const [{ configCheck }, { liveProbes }] = await Promise.all([
          import('./config-check.js'),
          import('./probes.js'),
        ]);
        return configCheck(invocation, liveProbes(invocation.loaded.settings));
      }),
    );
}
