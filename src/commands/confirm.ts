import { createInterface } from 'node:readline';
import { realClock } from '../agent/clock.js';

/** Nobody who means it thinks for longer. */
const PATIENCE_MS = 5 * 60_000;

/** Asks whoever sits at the terminal. False, too, when there is none, the input ends, or nobody answers in time. */
export function confirmed(question: string): Promise<boolean> {
  const { stdin, stdout } = process;
  if (stdin.isTTY !== true || stdout.isTTY !== true) return Promise.resolve(false);
  const terminal = createInterface({ input: stdin, output: stdout });
  return new Promise((settle) => {
    const cancel = realClock.after(PATIENCE_MS, () => terminal.close());
    terminal.on('close', () => {
      cancel();
      settle(false);
    });
    terminal.question(`${question} [y/N] `, (answer) => {
      settle(/^y(es)?$/i.test(answer.trim()));
      terminal.close();
    });
  });
}
