import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * `npm run demo`: the whole agent on a network namespace of its own, as root or as an ordinary user. This half only
 * makes the namespace; `inside.ts` is what happens in it. The namespace ends with its last process.
 */
const inside = fileURLToPath(new URL('./inside.ts', import.meta.url));
const isRoot = process.getuid?.() === 0;
const unshare = isRoot ? ['--net', '--mount'] : ['--user', '--map-root-user', '--net', '--mount'];

const probe = spawnSync('unshare', [...unshare, 'true'], { encoding: 'utf8' });
if (probe.status !== 0) {
  const why = probe.error?.message ?? probe.stderr.trim();
  process.stderr.write(
    isRoot
      ? `The demo needs a network namespace, and this system does not allow one: ${why}\n`
      : `This system does not let ordinary users make a network namespace (${why}); run it as root: sudo npm run demo\n`,
  );
  process.exit(1);
}
const demo = spawnSync('unshare', [...unshare, process.execPath, '--import', 'tsx', inside], {
  stdio: 'inherit',
  timeout: 180_000,
});
process.exitCode = demo.status ?? 1;
