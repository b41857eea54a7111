import * as v from 'valibot';
import { EXIT, type ExitCode } from '../model/index.js';
import { jsonOf } from '../model/visible.js';
import { ask, complainOfAgent } from './ask.js';
import type { Invocation } from './invocation.js';

/** `accept`: lets the removals that the running agent holds go ahead. Exit 0, 69 when no agent runs, 77 when not permitted. */
export async function accept({ loaded, json, output }: Invocation): Promise<ExitCode> {
  const answer = await ask(loaded.settings.runDir, { command: 'accept', answer: v.number() });
  if (answer.kind !== 'answer') return complainOfAgent(output, loaded.settings.runDir, answer);
  const removals = answer.value;
  output.print(json ? jsonOf({ accepted: removals }) : sentence(removals));
  return EXIT.ok;
}

const sentence = (removals: number): string =>
  removals === 0 ? 'nothing is held' : `${removals} held removal(s) go ahead with the next poll`;
