import { realClock } from '../agent/clock.js';

/** What nobody reads is waited for no longer; a result on stdout is waited for as long as its reader takes (`less`). */
const STDERR_LIMIT_MS = 500;
/** What Node calls the work of its threads; a hanging name server, disk or reader holds them. */
const THREAD_WORK = /^(GetAddrInfo|GetNameInfo|FS)Req/;

/** Hands on what is thrown where nobody waits for it; whoever asked for that before does not get it any more. */
export function catchStray(handle: (thrown: unknown) => void): void {
  process.setUncaughtExceptionCaptureCallback(null);
  process.setUncaughtExceptionCaptureCallback(handle);
}

/**
 * Ends the process with this code once what was printed is out. Everything that counts is closed by then: what a command
 * has given up waiting for must not keep the process.
 */
export async function endProcess(code: number): Promise<never> {
  await written(process.stdout);
  await Promise.race([
    written(process.stderr),
    new Promise<void>((settle) => realClock.after(STDERR_LIMIT_MS, settle)),
  ]);
  // Node's own end waits for its threads, and nothing ends what they are in (getaddrinfo(3) takes a minute or more).
  if (process.getActiveResourcesInfo().some((name) => THREAD_WORK.test(name))) await endAtOnce(code);
  process.exit(code);
}

/** Where not even this can be loaded, for want of file descriptors for example, Node's own end has to do. */
async function endAtOnce(code: number): Promise<void> {
  const loaded = await import('../kernel/netlink/libc.js').catch(() => null);
  loaded?.libc._exit(code);
}

/** A pipe takes 64 KiB at once, the rest waits for its reader. A reader that has left ends the wait, too. */
async function written(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength > 0) await new Promise<unknown>((settle) => stream.write('', settle));
}
