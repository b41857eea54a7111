import { homedir, hostname } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

const FOLDER = 'quantum-linuxbridge-agent';
/** The run folder of an agent that root or systemd starts. */
export const SYSTEM_RUN_DIR = `/run/${FOLDER}`;

const SYSTEM_STATE_DIR = `/var/lib/${FOLDER}`;

/** Who runs the agent and where, as far as defaults depend on it. */
export interface HostDefaults {
  /** gethostname, as the database has it unless an operator named the host otherwise. */
  readonly host: string;
  readonly stateDir: string;
  readonly runDir: string;
}

/**
 * The folders that systemd gave the service ($STATE_DIRECTORY, $RUNTIME_DIRECTORY), else those of the system for
 * root and for who has no home, else the ordinary user's XDG folders. Without $XDG_RUNTIME_DIR the run folder is inside the state folder and
 * not in /tmp, where anybody could have made it first.
 */
export function hostDefaults(environment: Environment, isRoot = process.getuid?.() === 0): HostDefaults {
  const stateDir =
    firstFolder(environment.STATE_DIRECTORY) ?? (isRoot ? SYSTEM_STATE_DIR : userStateDir(environment));
  const ordinaryRunDir = environment.XDG_RUNTIME_DIR
    ? join(environment.XDG_RUNTIME_DIR, FOLDER)
    : join(stateDir, 'run');
  const runDir = firstFolder(environment.RUNTIME_DIRECTORY) ?? (isRoot ? SYSTEM_RUN_DIR : ordinaryRunDir);
  return { host: hostname(), stateDir, runDir };
}

function userStateDir(environment: Environment): string {
  const home = environment.HOME || homeOfAccount();
  const states = environment.XDG_STATE_HOME || (home === null ? null : join(home, '.local/state'));
  return states === null ? SYSTEM_STATE_DIR : join(states, FOLDER);
}

/** null: this user has no account, as a systemd DynamicUser on a host without libnss-systemd. */
function homeOfAccount(): string | null {
  try {
    return homedir();
  } catch {
    return null;
  }
}

/** systemd separates several folders by colons. */
const firstFolder = (folders: string | undefined): string | null => folders?.split(':')[0] || null;
