#!/usr/bin/env node
import { main } from './commands/main.js';

// Everything that counts is closed by then, and output to files, pipes and terminals is written synchronously on Linux.
// What a command has given up waiting for must not keep the process.
process.exit(await main(process.argv.slice(2)));
