import type { ExitCode } from '../model/index.js';
import { inPatience } from './patience.js';
import type { AgentState } from './state.js';

/** How long the end waits for a call to the database in hand, and for the disk; a frozen one must not hold up a restart. */
const PATIENCE_AT_END_MS = 1_500;

/** Ends the agent and leaves the data plane as it is. */
export async function shutDown(self: AgentState, code: ExitCode): Promise<void> {
  if (self.stopping) return;
  self.stopping = true;
  self.poller?.stop();
  self.cancelWake();
  self.cancelLook();
  self.cancelSummary();
  self.edges.servers.close();
  const { clock, kernel, store } = self.edges;
  const closed = inPatience(clock, self.database.close(), PATIENCE_AT_END_MS);
  await Promise.all([closed, store.flush(PATIENCE_AT_END_MS)]);
  await kernel.close();
  self.end(code);
}
