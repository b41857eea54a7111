import { askAgent } from '../agent/control.js';
import { EXIT, type ExitCode } from '../model/index.js';
import type { Invocation } from './invocation.js';

/** `accept`: lets the removals that the running agent holds go ahead. Exit 0, 69 when no agent runs. */
export async function accept({ loaded, json, output }: Invocation): Promise<ExitCode> {
  const answer = await askAgent(loaded.settings.runDir, 'accept');
  switch (answer.kind) {
    case 'answer': {
      const removals = Number(answer.value);
      output.print(json ? JSON.stringify({ accepted: removals }) : sentence(removals));
      return EXIT.ok;
    }
    case 'nobody':
      output.complain(
        `no agent runs here (looked in ${loaded.settings.runDir}); for a single pass use once --accept-removals`,
      );
      return EXIT.alreadyRunning;
    case 'failed':
      output.complain(answer.message);
      return EXIT.failed;
  }
}

const sentence = (removals: number): string =>
  removals === 0 ? 'nothing is held' : `${removals} held removal(s) go ahead with the next poll`;
