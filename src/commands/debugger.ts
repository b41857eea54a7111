import { readdirSync, readlinkSync } from 'node:fs';
import { realClock } from '../agent/clock.js';

/** One request may open it twice, the second time some turns of the event loop later: it is watched for two seconds. */
const CLOSINGS = 20;
const PAUSE_MS = 100;

/**
 * Closes Node's debugger when a signal has opened it. Until the first line of a program runs, SIGUSR1 does that. To ask Node itself
 * costs 3 MiB, so it is asked only when the process has a socket, which before its first work means an open debugger.
 */
export function closeDebugger(): void {
  if (process.execArgv.some((option) => option.startsWith('--inspect')) || !hasSocket()) return;
  const inspector = process.getBuiltinModule('node:inspector');
  if (inspector.url() !== undefined) close(inspector, CLOSINGS);
}

function close(inspector: typeof import('node:inspector'), closings: number): void {
  if (inspector.url() !== undefined) inspector.close();
  if (closings > 1) realClock.after(PAUSE_MS, () => close(inspector, closings - 1));
}

/** Whether any file descriptor but the standard ones is a socket; true where /proc does not tell. */
function hasSocket(): boolean {
  try {
    return readdirSync('/proc/self/fd').some((fd) => Number(fd) > 2 && isSocket(fd));
  } catch {
    return true;
  }
}

function isSocket(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
  } catch {
    // The one that read the folder is gone.
    return false;
  }
}
