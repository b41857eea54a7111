#!/usr/bin/env -S node --max-semi-space-size=2 --max-old-space-size=256 --single-threaded-gc --no-memory-reducer
// The heap stays small, and has a bound: 4,000 taps need a fifth of it. Nobody waits for an agent at rest, so V8 neither
// keeps threads for its collections nor collects just because it has time.
import { main } from './commands/main.js';

const code = await main(process.argv.slice(2));
// A pipe takes 64 KiB at once, the rest waits for its reader. A reader that has left ends the wait, too.
for (const stream of [process.stdout, process.stderr]) {
  if (stream.writableLength > 0) await new Promise<unknown>((settle) => stream.write('', settle));
}
// Everything that counts is closed by then. What a command has given up waiting for must not keep the process.
process.exit(code);
