import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Program, privateFolder, removeFolder, startProgram, waitUntil } from '../databases/servers.js';
import { HANG_LIMIT_MS } from '../limit.js';
import { type Cleanup, command } from './netns.js';

/** A whole Debian with its own systemd, in a container with a network of its own (systemd-nspawn). */
export interface Container {
  /** Its files, from outside. */
  readonly root: string;
  /** The name of its network namespace. */
  readonly namespace: string;
  /** Runs a script in it; what came of it. */
  tried(script: string): Promise<Tried>;
  /** Runs a script in it that must succeed; its stdout. */
  run(script: string): Promise<string>;
  /** Starts it again, with a new and empty network. Resolves when it has booted. */
  reboot(): Promise<void>;
}

/** What came of a script. */
export interface Tried {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const DEBOOTSTRAP_LIMIT_MS = 15 * 60_000;
const CACHE = new URL('../../../node_modules/.cache/debootstrap', import.meta.url).pathname;

/** What our package depends on and Debian's smallest system lacks: the container has no way to a mirror. */
const SYSTEM = ['systemd', 'systemd-sysv', 'libatomic1'];

/** The files of the smallest Debian of a release that boots, with `more` packages. Its folder. */
export function makeDebian(release: string, more: readonly string[] = []): string {
  const folder = privateFolder('debian');
  mkdirSync(CACHE, { recursive: true });
  const include = [...SYSTEM, ...more].join(',');
  const options = ['--variant=minbase', `--cache-dir=${CACHE}`, `--include=${include}`];
  execFileSync('debootstrap', [...options, release, folder, debianMirror()], {
    timeout: DEBOOTSTRAP_LIMIT_MS,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  // The folder is the container's `/`, which every user goes through.
  chmodSync(folder, 0o755);
  return folder;
}

/** Where this machine gets its own Debian packages. */
function debianMirror(): string {
  const sources = command('apt-get', 'indextargets', '--format', '$(REPO_URI)', 'Origin: Debian');
  return sources.split('\n')[0] || 'http://deb.debian.org/debian';
}

/** The hierarchies of cgroups that systemd manages, of either version. */
const HIERARCHIES = '/sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd';
/** With --keep-unit a container manages the cgroup that it is started in: two in one end each other's services. */
const ENTER_CGROUP = `name=$1; shift
for each in ${HIERARCHIES}; do
  [ ! -e $each/cgroup.procs ] || { mkdir $each/$name 2>/dev/null || :; echo $$ >$each/$name/cgroup.procs; }
done
exec "$@"`;
const LEAVE_CGROUP = `for each in ${HIERARCHIES}; do
  [ ! -e $each/$1 ] || find $each/$1 -depth -type d -exec rmdir {} \\;
done`;

let made = 0;

/** Boots a fresh copy of `debian`; it is gone when the test ends. */
export async function bootContainer(t: Cleanup, debian: string): Promise<Container> {
  const name = `qlb-container-${process.pid}-${++made}`;
  const folder = privateFolder('container');
  const root = join(folder, 'root');
  command('cp', '--archive', debian, root);
  writeFileSync(join(root, 'etc/hostname'), 'host1\n');
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost host1 db.example.org\n');
  const log = join(folder, 'log');
  const cgroup = ['sh', '-c', ENTER_CGROUP, 'sh', name];
  const nspawn = ['systemd-nspawn', '--quiet', '--register=no', '--keep-unit', '--private-network', '--boot'];
  const places = [`--directory=${root}`, `--machine=${name}`, '--resolv-conf=off', '--timezone=off'];
  // Without it a systemd from 256 on does not boot where the machine still has cgroups of the first version.
  const legacy = '--setenv=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1';
  const start = (): Program =>
    startProgram([...cgroup, ...nspawn, ...places, legacy, '--link-journal=no'], { log, user: null });
  let program = start();
  t.after(async () => {
    program.signal('SIGKILL');
    await program.ended();
    command('sh', '-c', LEAVE_CGROUP, 'sh', name);
    removeFolder(folder);
  });

  let leader = 0;
  const tried: Container['tried'] = (script) => {
    const inside = [`--target=${leader}`, '--all', '--', '/usr/bin/env', '-i', `PATH=${PATH}`, 'HOME=/root'];
    return new Promise((resolve) => {
      const child = execFile(
        'nsenter',
        [...inside, 'sh', '-ec', script],
        { timeout: HANG_LIMIT_MS },
        (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
      );
    });
  };
  const hasBooted = async (): Promise<boolean> => {
    leader = leaderOf(program.pid);
    return leader !== 0 && /^(running|degraded)$/m.test((await tried('systemctl is-system-running')).stdout);
  };
  const boot = async (): Promise<void> => {
    await waitUntil(hasBooted, `the container booted; see ${log}`);
    command('ip', 'netns', 'attach', name, `${leader}`);
  };
  await boot();
  t.after(() => void command('ip', 'netns', 'del', name));
  return {
    root,
    namespace: name,
    tried,
    run: async (script) => {
      const { code, stdout, stderr } = await tried(script);
      if (code !== 0) throw new Error(`${script}\nended with ${code}:\n${stdout}${stderr}`);
      return stdout;
    },
    reboot: async () => {
      command('ip', 'netns', 'del', name);
      await tried('systemctl poweroff');
      await program.ended();
      program = start();
      await boot();
    },
  };
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The container's first process; 0: there is none at the moment. */
const leaderOf = (nspawn: number): number =>
  Number(readFileSync(`/proc/${nspawn}/task/${nspawn}/children`, 'utf8').trim().split(' ')[0] ?? 0);
