import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runBounded } from './process.js';

/** The groups of Debian packages in test/packages.sh. */
export type PackageGroup =
  | 'servers'
  | 'mysql'
  | 'versions'
  | 'hosts'
  | 'witnesses'
  | 'monitoring'
  | 'browser'
  | 'clock'
  | 'disks'
  | 'neutron'
  | 'long';

const INSTALL_LIMIT_MS = 15 * 60_000;
const SCRIPT = fileURLToPath(new URL('../packages.sh', import.meta.url));

/** What this machine lacks of these groups: `linux.uml (Debian package user-mode-linux)`. */
export function missingPackages(groups: readonly PackageGroup[], script = SCRIPT): string[] {
  if (groups.length === 0) return [];
  const { status, stdout, stderr, error } = spawnSync(script, ['missing', ...groups], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script} failed: ${error?.message ?? stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}

/** Installs what is missing of these groups; what went wrong is on stderr, and the suites say what they lack. */
export async function installPackages(groups: readonly PackageGroup[]): Promise<void> {
  if (missingPackages(groups).length === 0) return;
  const ended = await runBounded(SCRIPT, ['install', ...groups], { limitMs: INSTALL_LIMIT_MS });
  if (ended.code !== 0)
    process.stderr.write(`${SCRIPT} install failed: ${ended.trouble ?? `exit code ${ended.code}`}\n`);
}
