#!/usr/bin/env -S node --max-semi-space-size=2 --max-heap-size=256 --single-threaded-gc --no-memory-reducer --v8-pool-size=1
// The heap stays small, and has a bound: 4,000 taps need a fifth of it. Nobody waits for an agent at rest, so V8 neither
// keeps threads for its collections nor collects just because it has time; one thread is left for it to compile in, and not
// four, each of which has memory of its own. Kernels before 5.1 read 127 characters of the line (BINPRM_BUF_SIZE).
import { setFlagsFromString } from 'node:v8';
import { closeDebugger } from './commands/debugger.js';

// Without a handler Node answers SIGUSR1 by a debugger, open to every user of the host. The program itself is loaded after this.
process.on('SIGUSR1', () => {});
closeDebugger();

// An agent mostly waits: to optimise what does not run several times a second costs more memory and time than it brings. This
// is seven times what V8 takes for often. Its later versions, of Node 22 and on, count in another way and complain about the flag.
if (process.versions.v8.startsWith('11.')) setFlagsFromString('--interrupt-budget=1000000');

const [{ main }, { endProcess }] = await Promise.all([
  import('./commands/main.js'),
  import('./commands/end-process.js'),
]).catch(refuse);
closeDebugger();
await endProcess(await main(process.argv.slice(2)));

/** What it takes to load the program the system has refused: with some 30 file descriptors it does not. */
function refuse(thrown: unknown): never {
  if (!(thrown instanceof Error && 'syscall' in thrown)) throw thrown;
  process.stderr.write(
    `quantum-linuxbridge-agent: SYSTEM_REFUSED: the program cannot be loaded: ${thrown.message}\n  Look at the message; the limit of open files (ulimit -n, LimitNOFILE=) must be 64 at the least.\n`,
  );
  process.exit(1);
}
