import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runBounded } from './process.js';
import type { Result } from './result.js';

const STEP_LIMIT_MS = 10 * 60_000;
const BUILD_INPUTS = ['src', 'migrations', 'build.mjs', 'package.json', 'package-lock.json'];

/** Runs one of package.json's scripts; it counts as one passed or one failed. */
export async function runScript(script: string): Promise<Result> {
  process.stdout.write(`\n${script}\n`);
  const ended = await runBounded('npm', ['run', '--silent', script], { limitMs: STEP_LIMIT_MS });
  const ok = ended.code === 0;
  return {
    label: script,
    passed: ok ? 1 : 0,
    failed: ok ? 0 : 1,
    skipped: 0,
    reason: ok ? '' : (ended.trouble ?? `exit code ${ended.code}`),
    seconds: ended.seconds,
  };
}

/** True when `dist/cli.js` is missing or older than anything it is made from. */
export function buildIsStale(projectFolder: string): boolean {
  const program = join(projectFolder, 'dist', 'cli.js');
  if (!existsSync(program)) return true;
  const builtMs = statSync(program).mtimeMs;
  return BUILD_INPUTS.some((input) => newestMs(join(projectFolder, input)) > builtMs);
}

function newestMs(path: string): number {
  const own = statSync(path).mtimeMs;
  if (!statSync(path).isDirectory()) return own;
  return Math.max(own, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}
