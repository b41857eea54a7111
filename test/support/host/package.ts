import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

/** A core compresses a Node in a minute or two. */
const BUILD_LIMIT_MS = 20 * 60_000;

/** How the packages are built: by whom, with which environment, of which kinds. */
export interface Building {
  readonly prefix?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly kinds?: readonly ('deb' | 'rpm')[];
}

/** Builds packages of what `npm run build` has left, into `destination`. The paths of the packages, those of Debian first. */
export function buildPackages(
  destination: string,
  { prefix = [], environment = {}, kinds = [] }: Building = {},
): string[] {
  const [program = '', ...args] = [
    ...prefix,
    process.execPath,
    '--import',
    'tsx',
    join(PROJECT, 'etc/package/main.ts'),
    '--destination',
    destination,
    ...kinds,
  ];
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: PROJECT,
    encoding: 'utf8',
    timeout: BUILD_LIMIT_MS,
    env: { ...process.env, ...environment },
  });
  if (status !== 0) throw new Error(`the packages were not built (${status}):\n${stderr}`);
  return stdout.split('\n').filter((line) => /\.(deb|rpm)$/.test(line));
}
