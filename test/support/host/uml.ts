import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Cleanup, command } from './netns.js';

/**
 * User-mode Linux: a whole kernel of its own as one process, with the VLAN and other modules that the
 * machine's kernel may lack. The guest has the machine's root file system, read-only, so Node, the project
 * and its modules are simply there. Inside, `/run` is the guest's own and writable (`TMPDIR` is in it), and
 * `/run/out` is the folder that both sides share.
 */

const PROGRAM = 'linux.uml';
/** Ends a hang: a guest boots in seconds, and on a busy machine in minutes. */
const BOOT_AND_RUN_LIMIT_MS = 600_000;
const OUTPUT_MAX = 400_000;
const MODULES = [
  'ipv6',
  'bridge',
  '8021q',
  'dummy',
  'tun',
  'veth',
  'vxlan',
  'nf_tables',
  'nf_conntrack_bridge',
];
const projectFolder = dirname(fileURLToPath(new URL('../..', import.meta.url)));

export interface GuestOptions {
  /** An outer tap, and the namespace it is in; the guest's network card `vec0` is on it. */
  readonly card?: { readonly namespace: string; readonly tap: string };
  /** Environment of the script. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly limitMs?: number;
}

export interface GuestResult {
  /** The script's exit status. */
  readonly status: number;
  /** What the script printed, and what the kernel said. */
  readonly output: string;
  /** See `Guest.folder`; it is deleted when the test ends. */
  readonly folder: string;
}

/** A guest that is running. */
export interface Guest {
  /**
   * The folder that the guest has as /run/out: what one side writes the other can read, also while it runs.
   */
  readonly folder: string;
  /** Settles when the guest has halted; rejects with its output when it does not within its limit. */
  readonly result: Promise<GuestResult>;
}

/**
 * Boots a guest that runs a shell script as root in the project's folder and then halts. Several may run at
 * one time.
 */
export function startGuest(t: Cleanup, script: string, options: GuestOptions = {}): Guest {
  const folder = mkdtempSync(join(tmpdir(), 'qlb-guest-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const shared = join(folder, 'out');
  mkdirSync(shared);
  const init = join(folder, 'init.sh');
  writeFileSync(init, initScript(shared, script, options.environment ?? {}), { mode: 0o755 });
  const result = boot(t, kernelArguments(folder, init, options), options).then((output) => {
    const status = readOrNull(join(shared, 'status'));
    if (status === null) throw new Error(`the guest halted before the script ended:\n${output}`);
    return {
      status: Number(status),
      output: output + (readOrNull(join(shared, 'output')) ?? ''),
      folder: shared,
    };
  });
  // Who waits for something else first still learns of a failure when it comes to the result.
  result.catch(() => undefined);
  return { folder: shared, result };
}

/** Boots a guest, runs a shell script in it and waits for its end; see `startGuest`. */
export const runInGuest = (t: Cleanup, script: string, options: GuestOptions = {}): Promise<GuestResult> =>
  startGuest(t, script, options).result;

/**
 * Runs a test file inside a guest with Node's own runner; each of its tests becomes a subtest of `t` with its
 * result. `file` is relative to the project's folder.
 */
export async function runTestsInGuest(
  t: TestContext,
  file: string,
  options: GuestOptions = {},
): Promise<void> {
  const run = `'${process.execPath}' --import tsx --test --test-reporter=tap '${file}'`;
  const { status, output } = await runInGuest(t, run, options);
  const results = [...output.matchAll(/^(not ok|ok) \d+ - (.*)$/gm)];
  for (const [, verdict, name] of results) {
    await t.test(name ?? '', () => {
      if (verdict !== 'ok') throw new Error(`failed in the guest:\n${output}`);
    });
  }
  if (results.length === 0 || status !== 0) throw new Error(`the tests failed in the guest:\n${output}`);
}

function kernelArguments(folder: string, init: string, { card }: GuestOptions): string[] {
  const network = card === undefined ? [] : [`vec0:transport=tap,ifname=${card.tap}`];
  return [
    'umid=guest',
    `uml_dir=${folder}`,
    'mem=1G',
    'root=/dev/root',
    'rootfstype=hostfs',
    'rootflags=/',
    'ro',
    `init=${init}`,
    'con=null',
    'con0=fd:0,fd:1',
    'quiet',
    ...network,
  ];
}

/**
 * Starts the guest in a process group of its own: its processes are children of the machine, and all end
 * together.
 */
function boot(t: Cleanup, args: string[], options: GuestOptions): Promise<string> {
  const outside = options.card === undefined ? [] : ['ip', 'netns', 'exec', options.card.namespace];
  const [file = PROGRAM, ...rest] = [...outside, PROGRAM, ...args];
  const guest = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const end = () => {
    if (guest.pid === undefined || guest.exitCode !== null || guest.signalCode !== null) return;
    process.kill(-guest.pid, 'SIGKILL');
  };
  t.after(end);
  let output = '';
  const keep = (text: string) => {
    output = (output + text).slice(-OUTPUT_MAX);
  };
  guest.stdout.setEncoding('utf8').on('data', keep);
  guest.stderr.setEncoding('utf8').on('data', keep);
  const limitMs = options.limitMs ?? BOOT_AND_RUN_LIMIT_MS;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      end();
      reject(new Error(`the guest did not halt within ${limitMs} ms:\n${output}`));
    }, limitMs);
    guest.once('error', reject);
    guest.once('close', () => {
      clearTimeout(timer);
      resolve(output);
    });
  });
}

/** The guest's first process. Its exit would be a kernel panic, so whatever happens it halts the machine. */
function initScript(shared: string, script: string, environment: Readonly<Record<string, string>>): string {
  const exports = Object.entries(environment).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`,
  );
  return [
    '#!/bin/sh',
    'mount -t proc proc /proc',
    'mount -t sysfs sysfs /sys',
    'mount -t tmpfs tmpfs /run',
    'mkdir -p /run/tmp /run/out /run/netns',
    `mount -t hostfs none /run/out -o '${shared}'`,
    'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run/tmp TMPDIR=/run/tmp',
    ...exports,
    ...moduleFiles().map((file) => `insmod '${file}'`),
    'ip link set lo up',
    `cd '${projectFolder}'`,
    '(',
    script,
    ') > /run/out/output 2>&1',
    'echo $? > /run/out/status',
    'sync',
    'halt -f -p || echo o > /proc/sysrq-trigger',
    'sleep 60',
    '',
  ].join('\n');
}

/** The modules and what they need, in an order in which they can be loaded. */
function moduleFiles(): string[] {
  const folder = `/usr/lib/uml/modules/${command(PROGRAM, '--version').trim()}`;
  const lines = readFileSync(join(folder, 'modules.dep'), 'utf8').split('\n');
  const files = MODULES.flatMap((name) => {
    const line = lines.find((entry) => entry.split(':')[0]?.endsWith(`/${name}.ko`));
    if (line === undefined) throw new Error(`${folder} has no module ${name}`);
    // modules.dep lists what a module needs, the most basic one last.
    const [file = '', needs = ''] = line.split(':');
    return [...needs.trim().split(' ').filter(Boolean).reverse(), file];
  });
  return [...new Set(files)].map((file) => join(folder, file));
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
