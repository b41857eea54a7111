import type { AgentStatus } from '../model/index.js';
import { type Route, sendText } from './web.js';

/** One thing that must hold. Why it does not is told by the log and `status` only: these answers are for anybody. */
interface Check {
  readonly name: string;
  readonly holds: (status: AgentStatus) => boolean;
}

/** Short of a hanging poll the loop is never later than its timers are, which a busy machine may delay. */
export const LATE_MAX_MS = 30_000;

const LOOP: Check = { name: 'loop', holds: ({ lateMs }) => lateMs <= LATE_MAX_MS };
/** A database that is down is no reason to start the agent again: healthy, but not ready. */
const READINESS: readonly Check[] = [
  LOOP,
  { name: 'first-poll', holds: ({ database }) => database.lastGoodPollAtMs !== null },
  { name: 'database', holds: ({ database }) => database.state === 'up' },
];

/** `/-/healthy` and `/-/ready`: 200 and `ok`, or 503 and a line for each check. `?verbose` lists the checks always. */
export const healthRoutes: readonly Route[] = [route('/-/healthy', [LOOP]), route('/-/ready', READINESS)];

function route(path: string, checks: readonly Check[]): Route {
  return {
    path,
    handle: (request, response, site) => {
      const status = site.status();
      const failed = checks.filter(({ holds }) => !holds(status));
      const verbose = failed.length > 0 || /[?&]verbose\b/.test(request.url ?? '');
      sendText(response, failed.length > 0 ? 503 : 200, verbose ? listed(path, checks, failed) : 'ok');
    },
  };
}

const listed = (path: string, checks: readonly Check[], failed: readonly Check[]): string =>
  [
    ...checks.map((check) =>
      failed.includes(check) ? `[-]${check.name} failed: reason withheld` : `[+]${check.name} ok`,
    ),
    `${path} check ${failed.length > 0 ? 'failed' : 'passed'}`,
    '',
  ].join('\n');
