import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { harmless, oneLineEach } from '../model/index.js';

const STDOUT = 1;

/**
 * The one way to stdout: what came from rows, devices and other hosts, and steers a terminal, is shown and not obeyed. Throws
 * what the system says of a file that does not take it: Node's own stream of a file takes half of a text for the whole.
 */
export function writeOut(text: string): void {
  // To Node a terminal and a pipe are sockets.
  if (process.stdout instanceof Socket) process.stdout.write(harmless(text));
  else writeFileSync(STDOUT, harmless(text));
}

/** The one way to stderr, for sentences: as `writeOut`, and no line is longer than anybody reads. */
export const writeErr = (text: string): void => void process.stderr.write(oneLineEach(text));
