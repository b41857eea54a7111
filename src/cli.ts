#!/usr/bin/env -S node --max-semi-space-size=2 --max-old-space-size=256
// The heap stays small (85 MiB resident with 1,000 taps instead of 125), and has a bound: 4,000 taps need a fifth of it.
import { main } from './commands/main.js';

// Everything that counts is closed by then, and output to files, pipes and terminals is written synchronously on Linux.
// What a command has given up waiting for must not keep the process.
process.exit(await main(process.argv.slice(2)));
