import type { EngineName } from '../support/databases/engines.js';
import { waitUntil } from '../support/databases/servers.js';
import { type ConfigFile, statusOf } from '../support/host/agent.js';
import { type Manners, type Stage, serves } from './stage.js';

/** One entry of the catalogue. */
export interface Fault {
  /** What happens, as the table in README.md says it. */
  readonly name: string;
  /** What the agent does about it. */
  readonly agent: string;
  readonly engines: readonly EngineName[];
  readonly manners: Manners;
  /** Devices that the fault itself changes; every other one must not see an event. */
  readonly touches: readonly string[];
  /** Makes it happen; the result makes it end. */
  strike(stage: Stage): Promise<() => Promise<void>>;
  /** Waits for what the agent has to do while it lasts. */
  expect(stage: Stage): Promise<void>;
  /** After its end: waits until the agent is at work again. */
  serves(stage: Stage): Promise<void>;
}

/** Of a fault that any database may have. */
export const EVERY_ENGINE: readonly EngineName[] = ['PostgreSQL', 'MariaDB', 'MySQL'];

export const LOST = 'database lost, the data plane stays as it is';
export const BACK = 'database is back';
export const HELD = 'removals held, see accept';
const FREE = 'no removals are held any more';

/** After removals were held: waits until they are no more, and the agent is at work. */
export async function servesUnheld(stage: Stage): Promise<void> {
  await stage.says(FREE);
  await serves(stage);
}

/** Of these the first may have begun before they are counted. */
const POLLS = 4;

/** Waits until the agent has polled several times, in vain or not: what must not happen has had its chance then. */
export async function severalPolls({ config }: Pick<Stage, 'config'>): Promise<void> {
  let last = await pollsOf(config);
  let polls = 0;
  await waitUntil(async () => {
    const now = await pollsOf(config);
    if (now !== last) polls += 1;
    last = now;
    return polls === POLLS;
  }, `${POLLS} polls`);
}

/** What the agent says of its polls: another text after each. */
async function pollsOf(config: ConfigFile): Promise<string> {
  const { database } = await statusOf(config);
  return `${database.lastGoodPollAtMs} ${database.failedPolls}`;
}
