import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { TestServer } from '../support/databases/servers.js';

/** CPU time of a server so far, in milliseconds: all its processes, also those that have ended. */
export function serverCpuMs(server: TestServer): number {
  const [main, ...children] = processesOf(server).flatMap((pid) => {
    const fields = statOf(pid);
    return fields === null ? [] : [fields];
  });
  const ended = Number(main?.[13]) + Number(main?.[14]);
  return [main ?? [], ...children].reduce((sum, fields) => sum + ticksOf(fields), ended) * TICK_MS;
}

/** Time that each process of a server has been on a CPU so far, in milliseconds, by its id. */
export const serverRunMs = (server: TestServer): ReadonlyMap<number, number> =>
  new Map(processesOf(server).flatMap((pid) => (statOf(pid) === null ? [] : [[pid, cpuMs(pid)]])));

/** What those of a server's processes that were there before have spent since. */
export const serverSpentMs = (server: TestServer, before: ReadonlyMap<number, number>): number =>
  [...serverRunMs(server)].reduce((sum, [pid, nowMs]) => sum + nowMs - (before.get(pid) ?? nowMs), 0);

/** Memory of a server's processes that they share with nobody, in megabytes: not the buffers that PostgreSQL's have in common. */
export const serverPrivateMb = (server: TestServer): number =>
  processesOf(server).reduce((sum, pid) => sum + privateMb(pid), 0);

/** The first process of a server and its children. */
function processesOf({ engine, folder }: TestServer): number[] {
  const data = `${folder}/data`;
  const files = [...readdirSync(data).map((name) => `${data}/${name}`), `${folder}/pid`];
  const isOurs = (file: string): boolean => existsSync(file) && /\bpid$/.test(file);
  const file = engine === 'postgresql' ? `${data}/postmaster.pid` : files.find(isOurs);
  const main = Number(readFileSync(file ?? '', 'utf8').split('\n')[0]);
  const children = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => Number(statOf(pid)?.[1]) === main);
  return [main, ...children];
}

/** Clock ticks are 10 ms on Linux (USER_HZ is 100 for every program): enough for a server's load. */
const TICK_MS = 10;

/** The fields of /proc/PID/stat behind the name, state first; null: the process is gone. */
function statOf(pid: number): readonly string[] | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? null;
  } catch {
    // It ended between the listing and the reading.
    return null;
  }
}

const ticksOf = (fields: readonly string[]): number => Number(fields[11]) + Number(fields[12]);

/** Time that the threads of a process have been on a CPU so far, in milliseconds, to the nanosecond (schedstat). */
export const cpuMs = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'))
    .reduce((sum, stat) => sum + Number(stat.split(' ')[0]) / 1e6, 0);

/** Resident memory of a process in megabytes. */
export const rssMb = (pid: number): number =>
  (Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024) / 1e6;

/** Memory of a process that it shares with no other, in megabytes; 0: it is gone. */
export function privateMb(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kibibytes = [...rollup.matchAll(/^Private_\w+:\s+(\d+)/gm)].map(([, count]) => Number(count));
    return (kibibytes.reduce((sum, count) => sum + count, 0) * 1024) / 1e6;
  } catch {
    // It ended between the listing and the reading.
    return 0;
  }
}

/** CPU time of this process, which is what others on the machine change least. */
export async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
