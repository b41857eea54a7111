import { askAgent, type ControlAnswer, type ControlQuestion, type NoAnswer } from '../agent/control.js';
import { AGENT_STATUS } from '../agent/state-dir/status-shape.js';
import { SYSTEM_RUN_DIR } from '../config/host-defaults.js';
import type { AgentStatus, ExitCode } from '../model/index.js';
import { complain } from './complain.js';
import type { Output } from './invocation.js';

/**
 * Asks the agent that runs here. An ordinary user's own `run_dir` is not that of the system, whose agent the members of
 * `control_group` may ask all the same. The socket is named after the network namespace: it is no other host's agent.
 * Never throws; ends within its time limit.
 */
export async function ask<Value>(
  runDir: string,
  question: ControlQuestion<Value>,
): Promise<ControlAnswer<Value>> {
  const answer = await askAgent(runDir, question);
  return answer.kind === 'nobody' && runDir !== SYSTEM_RUN_DIR ? askAgent(SYSTEM_RUN_DIR, question) : answer;
}

/** Where `ask` has looked, for a person. */
export const placesOf = (runDir: string): string =>
  runDir === SYSTEM_RUN_DIR ? runDir : `${runDir} and ${SYSTEM_RUN_DIR}`;

/** Asks the agent that runs here how it sees the host. As `ask`. */
export const askStatus = (runDir: string): Promise<ControlAnswer<AgentStatus>> =>
  ask(runDir, { command: 'status', answer: AGENT_STATUS });

/** Says why the running agent gave no answer, and gives the exit code. */
export function complainOfAgent(output: Output, runDir: string, answer: NoAnswer): ExitCode {
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
    case 'misunderstood':
      return complain(output, 'CONTROL_FAILED', answer.message);
  }
}
