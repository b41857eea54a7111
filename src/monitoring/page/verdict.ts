import type { AgentStatus } from '../../model/index.js';
import { count, span } from '../../model/words.js';
import { LATE_MAX_MS } from '../health.js';
import type { Icon, Tone } from './states.js';

/** What an operator wants to know first, in one line, and what follows from it. */
export interface Verdict {
  readonly tone: Tone;
  readonly icon: Icon;
  readonly title: string;
  readonly detail: string;
}

/** The gravest thing first: a person who reads only the first line must not miss it. */
export function verdictOf(status: AgentStatus): Verdict {
  return (
    loopVerdict(status) ??
    databaseVerdict(status) ??
    failureVerdict(status) ??
    heldVerdict(status) ??
    tapVerdict(status) ??
    quietVerdict(status)
  );
}

function loopVerdict({ lateMs }: AgentStatus): Verdict | null {
  if (lateMs <= LATE_MAX_MS) return null;
  return {
    tone: 'bad',
    icon: 'alert',
    title: `The agent is ${span(lateMs)} behind its own schedule`,
    detail: 'Its loop does not turn: what is below may be old. Look into its log, and restart it.',
  };
}

function databaseVerdict({ database, nowMs, lastPass }: AgentStatus): Verdict | null {
  if (database.state === 'not-asked-yet') {
    return {
      tone: 'wait',
      icon: 'clock',
      title: 'Waiting for the first answer of the database',
      detail: 'Nothing on this host is changed before it has come.',
    };
  }
  if (database.state === 'up') return null;
  return {
    tone: 'bad',
    icon: 'alert',
    title: `The database has not answered for ${span(nowMs - database.sinceMs)}`,
    detail:
      lastPass === null
        ? 'It has not answered since the agent started; nothing on this host is changed.'
        : 'The data plane stays as it is, and ports known from before are still wired when their taps come back.',
  };
}

function failureVerdict({ lastPass }: AgentStatus): Verdict | null {
  if (lastPass === null || lastPass.failed === 0) return null;
  return {
    tone: 'bad',
    icon: 'alert',
    title: `${count(lastPass.failed, 'operation')} failed in the last pass`,
    detail: 'The kernel’s own words are under recent changes. The next pass tries again.',
  };
}

function heldVerdict({ held }: AgentStatus): Verdict | null {
  if (held.length === 0) return null;
  return {
    tone: 'warn',
    icon: 'pause',
    title: `${count(held.length, 'removal')} ${held.length === 1 ? 'waits' : 'wait'} for you`,
    detail: 'The guard holds what could hurt traffic that was fine. Everything else goes on.',
  };
}

function tapVerdict({ taps }: AgentStatus): Verdict | null {
  const blocked = taps.filter(({ state }) => state === 'blocked').length;
  const leftAlone = taps.filter(({ state }) => state === 'left-alone').length;
  const troubled = blocked + leftAlone;
  if (troubled === 0) return null;
  const parts = [
    ...(blocked > 0 ? [`${blocked} blocked`] : []),
    ...(leftAlone > 0 ? [`${leftAlone} left alone`] : []),
  ];
  return {
    tone: blocked > 0 ? 'bad' : 'warn',
    icon: 'alert',
    title: `${troubled} of ${count(taps.length, 'tap')} ${troubled === 1 ? 'needs' : 'need'} a look`,
    detail: `${parts.join(', ')}; the reason stands beside each. Every other port is served.`,
  };
}

function quietVerdict({ taps, warnings, lastPass }: AgentStatus): Verdict {
  if (lastPass?.inSync === false) {
    return {
      tone: 'wait',
      icon: 'clock',
      title: 'Changes are under way',
      detail: 'The last pass left something to do; the next one goes on.',
    };
  }
  const wired = taps.filter(({ state }) => state === 'wired').length;
  const title =
    taps.length === 0
      ? 'No taps on this host'
      : wired === taps.length
        ? `All ${count(wired, 'tap')} wired`
        : `In sync: ${wired} of ${count(taps.length, 'tap')} wired`;
  const detail =
    warnings.length > 0
      ? `This host is as the database wants it, with ${count(warnings.length, 'warning')}.`
      : taps.length === 0
        ? 'The database answers; the first tap is wired as soon as it appears.'
        : 'This host is as the database wants it.';
  return {
    tone: warnings.length > 0 ? 'warn' : 'good',
    icon: warnings.length > 0 ? 'alert' : 'check',
    title,
    detail,
  };
}
