import { homedir, hostname } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

const FOLDER = 'quantum-linuxbridge-agent';
/** The run folder of an agent that root or systemd starts. */
export const SYSTEM_RUN_DIR = `/run/${FOLDER}`;

/** Who runs the agent and where, as far as defaults depend on it. */
export interface HostDefaults {
  /** gethostname, as the database has it unless an operator named the host otherwise. */
  readonly host: string;
  readonly stateDir: string;
  readonly runDir: string;
}

/**
 * The folders that systemd gave the service ($STATE_DIRECTORY, $RUNTIME_DIRECTORY), else those of the system for
 * root, else the ordinary user's XDG folders. Without $XDG_RUNTIME_DIR the run folder is inside the state folder and
 * not in /tmp, where anybody could have made it first.
 */
export function hostDefaults(environment: Environment, isRoot = process.getuid?.() === 0): HostDefaults {
  const home = environment.HOME || homedir();
  const stateDir =
    firstFolder(environment.STATE_DIRECTORY) ??
    (isRoot ? `/var/lib/${FOLDER}` : join(environment.XDG_STATE_HOME || join(home, '.local/state'), FOLDER));
  const ordinaryRunDir = environment.XDG_RUNTIME_DIR
    ? join(environment.XDG_RUNTIME_DIR, FOLDER)
    : join(stateDir, 'run');
  const runDir = firstFolder(environment.RUNTIME_DIRECTORY) ?? (isRoot ? SYSTEM_RUN_DIR : ordinaryRunDir);
  return { host: hostname(), stateDir, runDir };
}

/** systemd separates several folders by colons. */
const firstFolder = (folders: string | undefined): string | null => folders?.split(':')[0] || null;
