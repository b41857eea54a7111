import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runBounded } from './process.js';
import { SECOND_NODE } from './suites.js';

const INSTALL_LIMIT_MS = 10 * 60_000;

/** The path of the second Node's program, or one clause that says why there is none. */
export type SecondNode =
  | { readonly ok: true; readonly program: string }
  | { readonly ok: false; readonly reason: string };

/**
 * Fetches the second Node from the npm registry, once per checkout. The package of the architecture is
 * nothing but the binary; it lies apart from the project's own packages, because `node_modules/.bin` is
 * first on the PATH of every npm script and would put it in front of the Node that runs this.
 */
export async function secondNode(projectFolder: string): Promise<SecondNode> {
  const name = `node-linux-${process.arch}`;
  const folder = join(projectFolder, 'node_modules', '.cache', `node-${SECOND_NODE}`);
  const program = join(folder, 'node_modules', name, 'bin', 'node');
  if (existsSync(program)) return { ok: true, program };
  const quietly = [
    '--no-save',
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--prefer-offline',
  ];
  const ended = await runBounded(
    'npm',
    ['install', '--prefix', folder, ...quietly, `${name}@${SECOND_NODE}`],
    { limitMs: INSTALL_LIMIT_MS },
  );
  if (ended.code === 0 && existsSync(program)) return { ok: true, program };
  return {
    ok: false,
    reason: `npm could not install ${name}@${SECOND_NODE} (${ended.trouble ?? `exit code ${ended.code}`})`,
  };
}
