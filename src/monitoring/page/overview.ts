import type { AgentStatus, DatabaseStatus, PassSummary, TapStatus } from '../../model/index.js';
import { count, span, took } from '../../model/words.js';
import { type Content, type Html, html } from './html.js';
import { moment } from './moment.js';
import { icon, legendOf, TAP_STATES, tally } from './states.js';
import { verdictOf } from './verdict.js';

/** The one line that says how this host is. */
export function verdict(status: AgentStatus): Html {
  const { tone, icon: picture, title, detail } = verdictOf(status);
  return html`<div id="verdict" class="verdict ${tone}" role="status">
<span class="badge">${icon(picture)}</span>
<div><p class="title">${title}</p><p>${detail}</p></div>
</div>`;
}

/** Four figures behind it: database, last pass, taps, the agent itself. */
export function facts(status: AgentStatus): Html {
  const { database, lastPass, taps, nowMs } = status;
  return html`<dl id="facts-list" class="facts">
${databaseFact(database, nowMs)}
${lastPass === null ? fact('Last pass', 'none yet', []) : passFact(lastPass, nowMs)}
${tapFact(taps)}
${fact('Agent', html`up for ${span(nowMs - status.startedAtMs)}`, [
  `version ${status.version}`,
  status.generation === null ? 'schema not known yet' : `schema: ${status.generation}`,
])}
</dl>`;
}

function fact(name: string, value: Content, lines: readonly Content[]): Html {
  return html`<div class="fact"><dt>${name}</dt><dd><strong>${value}</strong>${lines.map(
    (line) => html`<span>${line}</span>`,
  )}</dd></div>`;
}

/** Its place; what else tells one server from another is for a closer look. */
const serverOf = (identity: string): Html =>
  html`<span class="device" title="${identity}">${identity.split(' ', 1)[0] ?? identity}</span>`;

const DATABASE_WORDS = {
  up: { tone: 'good', icon: 'check', word: 'up' },
  down: { tone: 'bad', icon: 'cross', word: 'down' },
  'not-asked-yet': { tone: 'wait', icon: 'clock', word: 'not asked yet' },
} as const;

function databaseFact(database: DatabaseStatus, nowMs: number): Html {
  const { tone, icon: picture, word } = DATABASE_WORDS[database.state];
  const since = database.state === 'not-asked-yet' ? '' : ` for ${span(nowMs - database.sinceMs)}`;
  const failed = database.failedPolls === 0 ? [] : [`${count(database.failedPolls, 'poll')} failed`];
  const good = database.lastGoodPollAtMs;
  return fact('Database', html`<span class="state ${tone}">${icon(picture)}${word}</span>${since}`, [
    html`last answer ${good === null ? 'never' : moment(good, nowMs)}`,
    ...(database.server === null ? [] : [serverOf(database.server)]),
    ...(database.error === null ? [] : [html`<span class="error">${database.error}</span>`]),
    ...(database.state === 'down' ? failed : []),
  ]);
}

function passFact({ atMs, durationMs, operations, failed, trigger }: PassSummary, nowMs: number): Html {
  const outcome = operations === 0 ? 'nothing to change' : count(operations, 'operation');
  return fact('Last pass', moment(atMs, nowMs), [
    `${outcome}${failed === 0 ? '' : `, ${failed} failed`}`,
    `took ${took(durationMs)}, started by ${TRIGGERS[trigger]}`,
  ]);
}

export const TRIGGERS = { poll: 'a poll', kernel: 'the kernel', command: 'a command' } as const;

/** A bar by state, with a legend that says the same in words. */
function tapFact(taps: readonly TapStatus[]): Html {
  let from = 0;
  const bars = tally(taps).map(({ state, taps: some }) => {
    const width = (100 * some) / taps.length;
    const bar = html`<rect class="${TAP_STATES[state].tone}" x="${from.toFixed(2)}%" width="${width.toFixed(2)}%" height="8"/>`;
    from += width;
    return bar;
  });
  return fact('Taps', taps.length.toLocaleString('en'), [
    html`<svg class="share" aria-hidden="true" width="100%" height="8">${bars}</svg>`,
    html`<span class="legend">${legendOf(taps)}</span>`,
  ]);
}
