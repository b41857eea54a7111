import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { describeNeed, isPresent } from './needs.js';
import { runBounded } from './process.js';
import type { Need, Suite } from './suites.js';

const APT_LIMIT_MS = 15 * 60_000;
const APT_OPTIONS = ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=3', '-o', 'Dpkg::Use-Pty=0'];
/** Debian asks this program before it starts a service; 101 means no. Tests start servers of their own. */
const POLICY_FILE = '/usr/sbin/policy-rc.d';

/**
 * Installs the Debian packages that these suites lack, and no others. Gives null when everything is there
 * afterwards, otherwise one sentence about what is not and what to do.
 */
export async function installMissing(suites: readonly Suite[], path: string): Promise<string | null> {
  const missing = missingNeeds(suites, path);
  if (missing.length === 0) return null;
  const packages = [...new Set(missing.map((need) => need.package))];
  const byHand = `install by hand: apt-get install ${packages.join(' ')}`;
  if (process.getuid?.() !== 0) return `Packages are missing and only root can install them; ${byHand}.`;
  if (!isPresent({ command: 'apt-get', package: 'apt' }, path)) {
    return `This is not Debian (no apt-get), so what is missing cannot be installed: ${missing.map(describeNeed).join(', ')}.`;
  }
  const failure = await aptInstall(packages);
  if (failure !== null) return `${failure}; ${byHand}.`;
  const still = missingNeeds(suites, path);
  if (still.length === 0) return null;
  return `The packages were installed, but this is still missing: ${still.map(describeNeed).join(', ')}.`;
}

/** What the suites need and this machine lacks. */
export function missingNeeds(suites: readonly Suite[], path: string): Need[] {
  return suites.flatMap((suite) => suite.needs).filter((need) => !isPresent(need, path));
}

/** null, or a clause that says which step failed and how. */
async function aptInstall(packages: readonly string[]): Promise<string | null> {
  process.stdout.write(`Installing Debian packages: ${packages.join(' ')}\n`);
  const allowStarts = forbidServiceStarts();
  process.once('exit', allowStarts);
  try {
    return (
      (await apt(['update'])) ?? (await apt(['install', '--yes', '--no-install-recommends', ...packages]))
    );
  } finally {
    process.off('exit', allowStarts);
    allowStarts();
  }
}

async function apt(args: readonly string[]): Promise<string | null> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const ended = await runBounded('apt-get', ['-qq', ...APT_OPTIONS, ...args], { limitMs: APT_LIMIT_MS, env });
  if (ended.code === 0) return null;
  return `apt-get ${args[0]} failed (${ended.trouble ?? `exit code ${ended.code}`})`;
}

/** Leaves a policy of the machine's own alone; takes its own away again. */
function forbidServiceStarts(): () => void {
  if (existsSync(POLICY_FILE)) return () => {};
  writeFileSync(POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
  return () => rmSync(POLICY_FILE, { force: true });
}
