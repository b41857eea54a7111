import { askAgent, type ControlAnswer } from '../agent/control.js';
import type { AgentStatus, ExitCode } from '../model/index.js';
import { complain } from './complain.js';
import type { Output } from './invocation.js';

/** The running agent's status, or why there is none. The agent is of this very version or close: its answer is trusted. */
export type Asked =
  | { readonly kind: 'status'; readonly status: AgentStatus }
  | Exclude<ControlAnswer, { readonly kind: 'answer' }>;

/** Asks the agent that runs here how it sees the host. Never throws; ends within its time limit. */
export async function askStatus(runDir: string): Promise<Asked> {
  const answer = await askAgent(runDir, 'status');
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
      return complain(output, 'NO_AGENT', `no agent runs here (looked in ${runDir})`);
    case 'forbidden':
      return complain(
        output,
        'CONTROL_FORBIDDEN',
        `not permitted: this user may not use the control socket in ${runDir}`,
      );
    case 'failed':
      return complain(output, 'CONTROL_FAILED', answer.message);
  }
}
