import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { privateFolder } from '../databases/servers.js';
import { HANG_LIMIT_MS } from '../limit.js';
import { type Cleanup, command } from './netns.js';

const MEBIBYTE = 1024 * 1024;

/** A file system of its own, which a test can freeze: whoever writes to it then waits, and no signal ends that wait. */
export interface FreezableDisk {
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}

/** Mounts one at `folder`, before the agent is started, which has its own view. Thawed and unmounted when the test ends. */
export function mountFreezable(t: Cleanup, folder: string): FreezableDisk {
  const image = join(privateFolder('image'), 'ext4');
  writeFileSync(image, '');
  truncateSync(image, 16 * MEBIBYTE);
  command('mkfs.ext4', '-q', image);
  mkdirSync(folder, { recursive: true });
  command('mount', '-o', 'loop', image, folder);
  let thaw = async (): Promise<void> => {};
  t.after(async () => {
    await thaw();
    command('umount', '--lazy', folder);
  });
  return {
    freeze: async () => {
      // The disk thaws when the input of this program ends, also when the test's process is killed.
      const script = `fsfreeze -f "$0" && echo frozen && timeout ${HANG_LIMIT_MS / 1000} cat; fsfreeze -u "$0"`;
      const keeper = spawn('sh', ['-c', script, folder], {
        detached: true,
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      thaw = async () => {
        thaw = async () => {};
        keeper.stdin.end();
        await once(keeper, 'close');
      };
      await once(keeper.stdout, 'data');
    },
    thaw: () => thaw(),
  };
}
