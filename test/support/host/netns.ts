import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { HANG_LIMIT_MS } from '../limit.js';

/**
 * Network namespaces for tests: the machine's own network configuration is never touched. `ip` is the witness
 * of what a kernel holds. Every helper is synchronous (an `ip` takes some milliseconds) and limited in time.
 */

const CLONE_NEWNET = 0x40000000;

/** What a test gives for cleaning up: `t` of node:test, or anything with `after`. */
export interface Cleanup {
  after(end: () => void | Promise<void>): void;
}

let made = 0;

/**
 * Makes a network namespace of its own for one test, with its loopback up; it is deleted when the test ends.
 * Its name.
 */
export function makeNamespace(t: Cleanup): string {
  const name = `qlb-${process.pid}-${++made}`;
  command('ip', 'netns', 'add', name);
  t.after(() => {
    command('ip', 'netns', 'del', name);
  });
  ip(name, 'link', 'set', 'lo', 'up');
  return name;
}

/** Runs a command to its end and gives what it printed. Throws an Error with its stderr. */
export function command(file: string, ...args: string[]): string {
  return execFileSync(file, args, {
    encoding: 'utf8',
    timeout: HANG_LIMIT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
}

/** Runs `ip` in a namespace, for example `ip(ns, 'link', 'set', 'eth0', 'up')`. */
export const ip = (namespace: string, ...args: string[]): string => command('ip', '-n', namespace, ...args);

/** Runs many `ip` commands in one process: a line each, without the word `ip`. */
export function ipBatch(namespace: string, lines: readonly string[]): void {
  execFileSync('ip', ['-n', namespace, '-batch', '-'], {
    input: lines.join('\n'),
    timeout: HANG_LIMIT_MS,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
}

/** What `ip -j -d …` sees in a namespace. `Row` is what the test expects of a row; nothing checks it. */
export function ipJson<Row = Record<string, unknown>>(namespace: string, ...args: string[]): Row[] {
  const printed = ip(namespace, '-j', '-d', ...args);
  return printed.trim() === ''
    ? []
    : (JSON.parse(printed) as Row[]).filter((row) => Object.keys(row as object).length > 0);
}

/** A link as `ip -j -d link show` tells it, as far as tests look. */
export interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly link?: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly master?: string;
  readonly operstate: string;
  readonly address?: string;
  readonly ifalias?: string;
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: Record<string, unknown> };
}

/** One link, or undefined when there is none of that name. */
export const ipLink = (namespace: string, name: string): IpLink | undefined =>
  ipJson<IpLink>(namespace, 'link', 'show').find(({ ifname }) => ifname === name);

/** Makes a tap device, as Nova does; not up. */
export const makeTap = (namespace: string, name: string): void => {
  ip(namespace, 'tuntap', 'add', 'dev', name, 'mode', 'tap');
};

/** Makes many tap devices in one go. */
export const makeTaps = (namespace: string, names: readonly string[]): void =>
  ipBatch(
    namespace,
    names.map((name) => `tuntap add dev ${name} mode tap`),
  );

/**
 * Makes a veth pair, both ends up: `name` in `namespace`, its peer in `peerNamespace`. A pair stands for a
 * cable.
 */
export function makeVeth(namespace: string, name: string, peerNamespace: string, peer: string): void {
  ip(namespace, 'link', 'add', name, 'type', 'veth', 'peer', 'name', peer, 'netns', peerNamespace);
  ip(namespace, 'link', 'set', name, 'up');
  ip(peerNamespace, 'link', 'set', peer, 'up');
}

/** Starts a program inside a namespace. The caller ends it (see `endProcess`). */
export const spawnIn = (namespace: string, file: string, ...args: string[]): ChildProcess =>
  spawn('ip', ['netns', 'exec', namespace, file, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });

/**
 * Ends a process by its id and waits until it is gone. `ip netns exec` replaces itself by the program, so the
 * id is the program's.
 */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

const libc = koffi.load(null);
const setns = libc.func('int setns(int fd, int type)') as (fd: number, type: number) => number;

/**
 * Moves the main thread of this process into a namespace until the test ends. Sockets belong to the namespace
 * in which they are opened, and /proc/sys/net shows that of the reading thread: so `openKernel` and
 * everything synchronous after this call is in the namespace. What runs on libuv's pool (asynchronous file
 * access, name resolution) is not. Tests of one file run one after another; a test that uses this must not
 * run at the same time as another one of its process.
 */
export function enterNamespace(t: Cleanup, namespace: string): void {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  switchTo(`/run/netns/${namespace}`);
  t.after(() => {
    const back = setns(home, CLONE_NEWNET);
    closeSync(home);
    if (back !== 0) throw new Error(`could not leave the namespace ${namespace}`);
  });
}

function switchTo(path: string): void {
  const fd = openSync(path, 'r');
  const result = setns(fd, CLONE_NEWNET);
  closeSync(fd);
  if (result !== 0) throw new Error(`could not enter ${path}: errno ${koffi.errno()}`);
}
