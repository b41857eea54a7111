import { harmless, oneLineEach } from '../model/index.js';

/** The one way to stdout: what came from rows, devices and other hosts, and steers a terminal, is shown and not obeyed. */
export const writeOut = (text: string): void => void process.stdout.write(harmless(text));

/** The one way to stderr, for sentences: as `writeOut`, and no line is longer than anybody reads. */
export const writeErr = (text: string): void => void process.stderr.write(oneLineEach(text));
