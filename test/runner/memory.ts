import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A folder in memory for whatever the suites write, until this process ends. Tests make and remove servers by the hundred, a
 * thousand files each: on a disk that alone takes minutes. Where it cannot be mounted, as without root, it is the disk's.
 */
export function memoryFolder(): string {
  if (process.getuid?.() !== 0) return tmpdir();
  const folder = mkdtempSync(join(tmpdir(), 'tests-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'mode=1777', 'tests', folder], {
    encoding: 'utf8',
  });
  if (mounted.status !== 0) {
    rmdirSync(folder);
    process.stderr.write(`Tests write to the disk and take longer: ${mounted.stderr}\n`);
    return tmpdir();
  }
  process.once('exit', () => {
    execFileSync('umount', ['--lazy', folder]);
    rmdirSync(folder);
  });
  return folder;
}
