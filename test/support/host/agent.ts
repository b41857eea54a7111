import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { AgentStatus, WarningCode } from '../../../src/model/index.js';
import type { PreflightCode } from '../../../src/model/preflight.js';
import { privateFolder, type TestServer, waitUntil } from '../databases/servers.js';
import { HANG_LIMIT_MS } from '../limit.js';
import type { Cleanup } from './netns.js';

/** The built program, as it is installed. */
export const PROGRAM = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

/** What a command did, as a shell sees it. `code` is null when a signal ended it. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One JSON line of the log. */
export interface LogLine {
  readonly level: number;
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** An agent that runs as a process in a namespace; it is killed when the test ends. */
export interface RunningAgent {
  readonly pid: number;
  /** Everything on stderr so far. */
  stderr(): string;
  stdout(): string;
  /** The log so far. Fails on a line that is no JSON object. */
  lines(): readonly LogLine[];
  /** The lines with this message; `since` is a number of lines to leave out. */
  saying(message: string, since?: number): readonly LogLine[];
  /** The first line with this message from line `since` on; waits for it. */
  line(message: string, since?: number): Promise<LogLine>;
  /** The first warning with this code; waits for it. */
  warning(code: WarningCode | PreflightCode): Promise<LogLine>;
  signal(name: NodeJS.Signals): void;
  /** Nobody reads the log until `readLog`. */
  holdLog(): void;
  readLog(): void;
  /** Waits for the end; the exit code, null when a signal ended it. */
  ended(limitMs?: number): Promise<number | null>;
}

/** How a program is started: `prefix` goes before it, for example `setpriv …`. */
export interface Start {
  readonly prefix?: readonly string[];
  /** Added to an environment that says nothing to the agent. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Node's own flags. */
  readonly flags?: readonly string[];
  /** Another Node than the one that runs the test. */
  readonly node?: string;
}

/** The SQLAlchemy URL of a server's Unix socket, which is reached from any namespace. */
export function socketUrl(server: TestServer, database?: string): string {
  const option = server.engine === 'postgresql' ? 'host' : 'unix_socket';
  return withOption(server.url(database), option, server.socketPath);
}

export const withOption = (url: string, name: string, value: string): string =>
  `${url}${url.includes('?') ? '&' : '?'}${name}=${value}`;

/** A configuration file with folders of its own beside it. */
export interface ConfigFile {
  readonly path: string;
  readonly stateDir: string;
  readonly runDir: string;
  /** Replaces the file: short limits, and what the test says of each section. */
  write(sections: Sections): void;
}

export interface Sections {
  readonly url: string;
  readonly mappings?: string;
  /** Lines for `[DATABASE]` and `[AGENT]`, over the limits below. */
  readonly database?: readonly string[];
  readonly agent?: readonly string[];
  /** `default`: the file names no state_dir and no run_dir. */
  readonly folders?: 'own' | 'default';
}

/** Limits that suit tests: a failed try costs a second, polls follow one another quickly. */
const DATABASE_LINES = ['reconnect_interval = 0.2', 'connect_timeout = 1', 'query_timeout = 1'];
const AGENT_LINES = ['polling_interval = 0.25', 'plug_grace = 0.5', 'host = host1'];

/** Writes a configuration file into a private folder. */
export function makeConfig(sections: Sections): ConfigFile {
  const folder = privateFolder('agent');
  const path = join(folder, 'agent.ini');
  const [stateDir, runDir] = [join(folder, 'state'), join(folder, 'run')];
  const write = ({ url, mappings = '', database = [], agent = [], folders = 'own' }: Sections): void =>
    writeFileSync(
      path,
      [
        '[DATABASE]',
        `sql_connection = ${url}`,
        ...DATABASE_LINES,
        ...database,
        '[LINUX_BRIDGE]',
        `physical_interface_mappings = ${mappings}`,
        '[AGENT]',
        ...(folders === 'own' ? [`state_dir = ${stateDir}`, `run_dir = ${runDir}`] : []),
        ...AGENT_LINES,
        ...agent,
        '',
      ].join('\n'),
    );
  write(sections);
  return { path, stateDir, runDir, write };
}

/** Runs a command of the program in a namespace to its end, within a limit. */
export async function runCli(
  namespace: string,
  args: readonly string[],
  { prefix = [], environment = {}, flags = [], node = process.execPath }: Start = {},
): Promise<Ran> {
  const child = startIn(namespace, [...prefix, node, ...flags, PROGRAM, ...args], environment);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const limit = setTimeout(() => child.kill('SIGKILL'), HANG_LIMIT_MS);
  const code = await new Promise<number | null>((settle) => child.once('close', settle));
  clearTimeout(limit);
  return { code, stdout: stdout(), stderr: stderr() };
}

/**
 * How the agent of this configuration sees the host, asked over its control socket. The socket's name has the agent's
 * network namespace in it, which is not that of the test.
 */
export async function statusOf({ runDir }: ConfigFile): Promise<AgentStatus> {
  const files = (): string[] => (existsSync(runDir) ? readdirSync(runDir) : []);
  const sockets = (): string[] => files().filter((file) => file.endsWith('.sock'));
  await waitUntil(() => sockets().length > 0, `an agent listens in ${runDir}`);
  const socket = connect(join(runDir, sockets()[0] ?? ''));
  socket.write('status\n');
  const answer = JSON.parse(await text(socket)) as { readonly value: AgentStatus };
  return answer.value;
}

/** Starts `run` in a namespace and waits until the agent says that it has started. */
export async function startAgent(
  t: Cleanup,
  namespace: string,
  config: ConfigFile,
  start: Start & { readonly args?: readonly string[] } = {},
): Promise<RunningAgent> {
  const { prefix = [], environment = {}, flags = [], args = [] } = start;
  const command = [process.execPath, ...flags, PROGRAM, '--config-file', config.path, ...args, 'run'];
  const agent = watched(startIn(namespace, [...prefix, ...command], environment));
  t.after(async () => {
    agent.signal('SIGKILL');
    await agent.ended();
  });
  await agent.line('agent started');
  return agent;
}

/** The process id is the program's: `setpriv` and `ip netns exec` replace themselves. It dies with the test. */
function startIn(
  namespace: string,
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): ChildProcess {
  const plain = Object.entries(process.env).filter(([name]) => !/^(QUANTUM_|NODE_)/.test(name));
  return spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'ip', 'netns', 'exec', namespace, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(plain), ...environment },
  });
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let collected = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    collected += chunk;
  });
  return () => collected;
}

function watched(child: ChildProcess): RunningAgent {
  const { pid } = child;
  if (pid === undefined) throw new Error('the agent did not start');
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  let end: { readonly code: number | null } | null = null;
  child.once('close', (code) => {
    end = { code };
  });
  const lines = (): readonly LogLine[] =>
    // The last piece is empty, or a line that is still being written.
    stderr()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine);
  const saying = (message: string, since = 0): readonly LogLine[] =>
    lines()
      .slice(since)
      .filter(({ msg }) => msg === message);
  /** Waits for what `found` looks for; the log comes after what it tells of, so that it may have to be waited for. */
  const awaited = async (what: string, found: () => LogLine | undefined): Promise<LogLine> => {
    await waitUntil(() => found() !== undefined || end !== null, `${what} in the log`).catch(
      (error: Error) => {
        throw new Error(`${error.message}; the log is\n${stderr()}`);
      },
    );
    const line = found();
    if (line === undefined) throw new Error(`the agent ended without ${what}:\n${stderr()}`);
    return line;
  };
  return {
    pid,
    stderr,
    stdout,
    lines,
    saying,
    line: (message, since = 0) => awaited(`"${message}"`, () => saying(message, since)[0]),
    warning: (wanted) => awaited(wanted, () => saying('warning').find(({ code }) => code === wanted)),
    signal: (name) => void child.kill(name),
    holdLog: () => void child.stderr?.pause(),
    readLog: () => void child.stderr?.resume(),
    ended: async (limitMs = HANG_LIMIT_MS) => {
      await waitUntil(() => end !== null, 'the agent ended', limitMs);
      return end?.code ?? null;
    },
  };
}
