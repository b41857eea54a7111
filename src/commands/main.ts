import { type Command, CommanderError } from 'commander';
import { forgetVariablesOfDrivers, processEnvironment } from '../config/environment.js';
import { CONVENTIONAL_FILES } from '../config/files.js';
import { type LoadResult, loadSettings, loadSettingsWithoutPassword, type Sources } from '../config/load.js';
import { describeProblem } from '../config/problem.js';
import { commandLineOptions } from '../config/schema.js';
import { EXIT, type ExitCode, oneLine } from '../model/index.js';
import { complain, complainOfThrown } from './complain.js';
import { catchStray, endProcess } from './end-process.js';
import type { Action, Output, Refuse } from './invocation.js';
import { makeProgram } from './program.js';
import { writeErr, writeOut } from './terminal.js';

/**
 * Parses the command line, loads the settings, runs the command and gives its exit code. Every module of a command
 * is loaded only when it is the one that was asked for.
 */
export async function main(args: readonly string[]): Promise<ExitCode> {
  forgetVariablesOfDrivers();
  const output = terminalOutput();
  // What is thrown where nobody waits for it; the daemon has a way of its own.
  catchStray((thrown) => void endProcess(complainOfThrown(output, thrown)));
  let code: ExitCode = EXIT.ok;
  const program = makeProgram({
    withSettings: async (action, refuse = refuseSettings) => {
      code = await withSettings(program, output, loadSettings, action, refuse);
    },
    withoutPassword: async (action, refuse = refuseSettings) => {
      code = await withSettings(program, output, loadSettingsWithoutPassword, action, refuse);
    },
    withoutSettings: async (action) => {
      code = await action({ json: program.opts().json === true, output });
    },
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) return complainOfThrown(output, error);
    // Commander has already printed help, version or what was wrong. Its own code for wrong usage is 1; a command
    // that has another one (`check`) says so.
    return error.exitCode === 1 ? EXIT.usage : (error.exitCode as ExitCode);
  }
  return code;
}

function terminalOutput(): Output {
  let isRead = true;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads may leave early (`plan | head`): the exit code still tells what was found.
    if (error.code === 'EPIPE') isRead = false;
    else void endProcess(complain(output, 'SYSTEM_REFUSED', `stdout cannot be written: ${error.message}`));
  });
  // There is nobody left to tell.
  process.stderr.on('error', () => {});
  const output: Output = {
    print: (text) => writeOut(`${text}\n`),
    isRead: () => isRead,
    complain: (text) => writeErr(`quantum-linuxbridge-agent: ${text}\n`),
    colour: process.stdout.isTTY === true,
  };
  return output;
}

/** Reads the settings as often as it is asked to, so that SIGHUP sees the files as they are then. */
async function withSettings(
  program: Command,
  output: Output,
  read: (sources: Sources) => LoadResult,
  action: Action,
  refuse: Refuse,
): Promise<ExitCode> {
  const options = program.opts<Record<string, unknown>>();
  const load = (): LoadResult =>
    read({
      files: (options.configFile as string[] | undefined) ?? [],
      conventional: CONVENTIONAL_FILES,
      commandLine: givenSettings(options),
      environment: processEnvironment(),
    });
  const result = load();
  if (!result.ok) {
    for (const { code, message } of result.warnings) output.complain(oneLine(`${code}: ${message}`));
    return refuse(output, result.problems.map(describeProblem));
  }
  return action({ loaded: result.loaded, json: options.json === true, output }, load);
}

const refuseSettings: Refuse = async (output, problems) => {
  for (const problem of problems) output.complain(oneLine(problem));
  return EXIT.misconfigured;
};

const givenSettings = (options: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    commandLineOptions().flatMap(({ name, attribute }) => {
      const value = options[attribute];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
