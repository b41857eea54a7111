import { Command, CommanderError, Option } from 'commander';
import { processEnvironment } from '../config/environment.js';
import { type LoadResult, loadSettings } from '../config/load.js';
import { describeProblem } from '../config/problem.js';
import { commandLineOptions } from '../config/schema.js';
import { EXIT, type ExitCode } from '../model/index.js';
import type { Invocation, Output } from './invocation.js';
import { version } from './version.js';

type Action = (invocation: Invocation, loadAgain: () => LoadResult) => Promise<ExitCode>;

/**
 * Parses the command line, loads the settings, runs the command and gives its exit code. Every module of a command
 * is loaded only when it is the one that was asked for.
 */
export async function main(args: readonly string[]): Promise<ExitCode> {
  const output = terminalOutput();
  let code: ExitCode = EXIT.ok;
  const program = makeProgram((action) => async () => {
    code = await withSettings(program, output, action);
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end with 0; commander has already printed what was wrong otherwise.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return code;
}

const terminalOutput = (): Output => ({
  print: (text) => void process.stdout.write(`${text}\n`),
  complain: (text) => void process.stderr.write(`quantum-linuxbridge-agent: ${text}\n`),
  colour: process.stdout.isTTY === true,
});

/** Reads the settings as often as it is asked to, so that SIGHUP sees the files as they are then. */
async function withSettings(program: Command, output: Output, action: Action): Promise<ExitCode> {
  const options = program.opts<Record<string, unknown>>();
  const load = (): LoadResult =>
    loadSettings({
      files: (options.configFile as string[] | undefined) ?? [],
      commandLine: givenSettings(options),
      environment: processEnvironment(),
    });
  const result = load();
  if (!result.ok) {
    for (const { code, message } of result.warnings) output.complain(`${code}: ${message}`);
    for (const problem of result.problems) output.complain(describeProblem(problem));
    return EXIT.misconfigured;
  }
  return action({ loaded: result.loaded, json: options.json === true, output }, load);
}

const givenSettings = (options: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    commandLineOptions().flatMap(({ name, attribute }) => {
      const value = options[attribute];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );

function makeProgram(run: (action: Action) => () => Promise<void>): Command {
  const program = new Command('quantum-linuxbridge-agent')
    .description('Keeps the Linux bridges of this host in step with the shared Quantum database.')
    .version(version)
    .option(
      '--config-file <file>',
      'legacy INI file; may be given several times, later ones win',
      collect,
      [],
    )
    .option('--json', 'print one JSON object instead of text')
    .exitOverride()
    .showHelpAfterError('(--help shows the commands and settings)');
  for (const { flag, valueName, doc } of commandLineOptions()) {
    program.addOption(new Option(`${flag} <${valueName}>`, doc).helpGroup('Settings:'));
  }
  addPassCommands(program, run);
  addConfigCommands(program, run);
  return program;
}

const collect = (value: string, before: string[]): string[] => [...before, value];

type Run = (action: Action) => () => Promise<void>;

function addPassCommands(program: Command, run: Run): void {
  program
    .command('run', { isDefault: true })
    .description('the daemon (the default command)')
    .action(run(async (invocation, load) => (await import('./run.js')).run(invocation, load)));
  const once = program
    .command('once')
    .description('one poll, one apply, then exit: for cron')
    .option('--accept-removals', 'let removals go ahead that the guard would hold');
  once.action(
    run(async (invocation) =>
      (await import('./once.js')).once(invocation, {
        acceptRemovals: once.opts<{ acceptRemovals?: boolean }>().acceptRemovals === true,
      }),
    ),
  );
  program
    .command('plan')
    .description('what once would do, and change nothing')
    .action(run(async (invocation) => (await import('./plan.js')).plan(invocation)));
  program
    .command('accept')
    .description("let the running agent's held removals go ahead")
    .action(run(async (invocation) => (await import('./accept.js')).accept(invocation)));
}

function addConfigCommands(program: Command, run: Run): void {
  const config = program.command('config').description('the effective settings');
  config
    .command('show')
    .description('every setting and where it came from, secrets masked')
    .action(run(async (invocation) => (await import('./config-show.js')).configShow(invocation)));
  config
    .command('check')
    .description('the settings against this host and the database')
    .action(
      run(async (invocation) => {
        const [{ configCheck }, { liveProbes }] = await Promise.all([
          import('./config-check.js'),
          import('./probes.js'),
        ]);
        return configCheck(invocation, liveProbes(invocation.loaded.settings));
      }),
    );
}
