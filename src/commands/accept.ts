import * as v from 'valibot';
import { EXIT, type ExitCode, fingerprintOf, type HeldRemoval } from '../model/index.js';
import { jsonOf, visible } from '../model/visible.js';
import { ask, askStatus, complainOfAgent } from './ask.js';
import { complain } from './complain.js';
import { confirmed } from './confirm.js';
import type { Invocation } from './invocation.js';

/**
 * `accept`: lets the removals that the running agent holds go ahead, if they are still those of the fingerprint. Without
 * one the list is shown, and whoever sits at the terminal is asked. Exit 0, 3 when something else is held now, 64 when
 * nobody has said yes, 69 when no agent runs, 77 when not permitted.
 */
export async function accept(invocation: Invocation, given: string | null): Promise<ExitCode> {
  const { json, output } = invocation;
  const { runDir } = invocation.loaded.settings;
  const seen = await askStatus(runDir);
  if (seen.kind !== 'answer') return complainOfAgent(output, runDir, seen);
  const { held } = seen.value;
  const fingerprint = fingerprintOf(held);
  if (fingerprint === null) return tell(invocation, 0, 'nothing is held');
  if (given === null || given !== fingerprint) output.print(listOf(held, fingerprint, json));
  if (given !== null && given !== fingerprint)
    return complain(output, 'HELD_CHANGED', `${given} is not the fingerprint of what is held now`);
  if (given === null && (json || !(await confirmed(`Let ${held.length} removal(s) go ahead?`))))
    return complain(output, 'ACCEPT_UNCONFIRMED', 'nothing was accepted');
  // The agent compares once more: between the two questions it may have polled.
  const answer = await ask(runDir, { command: `accept ${fingerprint}`, answer: v.number() });
  if (answer.kind !== 'answer') return complainOfAgent(output, runDir, answer);
  const removals = answer.value;
  return removals > 0
    ? tell(invocation, removals, `${removals} held removal(s) go ahead with the next poll`)
    : complain(output, 'HELD_CHANGED', 'what is held has changed at this very moment');
}

function tell({ json, output }: Invocation, accepted: number, sentence: string): ExitCode {
  output.print(json ? jsonOf({ accepted }) : sentence);
  return EXIT.ok;
}

const listOf = (held: readonly HeldRemoval[], fingerprint: string, json: boolean): string =>
  json
    ? jsonOf({ accepted: 0, fingerprint, held })
    : [
        ...visible(held).map(({ text, reason }) => `held: ${text} (${reason})`),
        `fingerprint of what is held: ${fingerprint}`,
      ].join('\n');
