import { askAgent, type ControlAnswer } from '../agent/control.js';
import { SYSTEM_RUN_DIR } from '../config/host-defaults.js';
import type { AgentStatus, ExitCode } from '../model/index.js';
import { complain } from './complain.js';
import type { Output } from './invocation.js';

/**
 * Asks the agent that runs here. An ordinary user's own `run_dir` is not that of the system, whose agent the members of
 * `control_group` may ask all the same. The socket is named after the network namespace: it is no other host's agent.
 * Never throws; ends within its time limit.
 */
export async function ask(runDir: string, command: string): Promise<ControlAnswer> {
  const answer = await askAgent(runDir, command);
  return answer.kind === 'nobody' && runDir !== SYSTEM_RUN_DIR ? askAgent(SYSTEM_RUN_DIR, command) : answer;
}

/** Where `ask` has looked, for a person. */
export const placesOf = (runDir: string): string =>
  runDir === SYSTEM_RUN_DIR ? runDir : `${runDir} and ${SYSTEM_RUN_DIR}`;

/** The running agent's status, or why there is none. The agent is of this very version or close: its answer is trusted. */
export type Asked =
  | { readonly kind: 'status'; readonly status: AgentStatus }
  | Exclude<ControlAnswer, { readonly kind: 'answer' }>;

/** Asks the agent that runs here how it sees the host. As `ask`. */
export async function askStatus(runDir: string): Promise<Asked> {
  const answer = await ask(runDir, 'status');
  return answer.kind === 'answer' ? { kind: 'status', status: answer.value as AgentStatus } : answer;
}

/** Says why the running agent gave no answer, and gives the exit code. */
export function complainOfAgent(
  output: Output,
  runDir: string,
  answer: Exclude<ControlAnswer, { readonly kind: 'answer' }>,
): ExitCode {
  switch (answer.kind) {
    case 'nobody':
      return complain(output, 'NO_AGENT', `no agent runs here (looked in ${placesOf(runDir)})`);
    case 'forbidden':
      return complain(
        output,
        'CONTROL_FORBIDDEN',
        `not permitted: this user may not use the control socket in ${placesOf(runDir)}`,
      );
    case 'failed':
      return complain(output, 'CONTROL_FAILED', answer.message);
  }
}
