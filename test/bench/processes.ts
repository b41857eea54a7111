import { readdirSync, readFileSync } from 'node:fs';
import type { TestServer } from '../support/databases/servers.js';

/** CPU time of a server so far, in milliseconds: all its processes, also those that have ended. */
export function serverCpuMs({ engine, folder }: TestServer): number {
  const data = `${folder}/data`;
  const file = engine === 'postgresql' ? 'postmaster.pid' : readdirSync(data).find((n) => n.endsWith('.pid'));
  const main = Number(readFileSync(`${data}/${file}`, 'utf8').split('\n')[0]);
  const children = readdirSync('/proc').flatMap((entry) => {
    const fields = /^\d+$/.test(entry) ? statOf(Number(entry)) : null;
    return fields !== null && Number(fields[1]) === main ? [fields] : [];
  });
  const own = statOf(main) ?? [];
  const ended = Number(own[13]) + Number(own[14]);
  return [own, ...children].reduce((sum, fields) => sum + ticksOf(fields), ended) * TICK_MS;
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
