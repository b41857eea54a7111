import { type AgentStatus, type Change, OPERATIONS } from '../../model/index.js';
import { fold, type Html, html } from './html.js';
import { moment } from './moment.js';
import { icon } from './states.js';

/** Operations shown at once; the older ones are folded. */
const SHOWN_MAX = 20;
const LISTED_MAX = 200;

/** What the agent did lately and why, the newest first, by pass. */
export function changeLog({ changes, nowMs }: AgentStatus): Html {
  if (changes.length === 0) {
    return html`<div id="changes-list"><p class="lead">Nothing has been changed since the agent started.</p></div>`;
  }
  const older = changes.slice(SHOWN_MAX, LISTED_MAX);
  return html`<div id="changes-list">
${byPass(changes.slice(0, SHOWN_MAX), nowMs)}
${older.length === 0 ? null : fold(`${older.length} older`, byPass(older, nowMs))}
</div>`;
}

function byPass(changes: readonly Change[], nowMs: number): Html {
  const groups: Change[][] = [];
  for (const change of changes) {
    const group = groups.at(-1);
    if (group?.[0]?.pass === change.pass) group.push(change);
    else groups.push([change]);
  }
  return html`<ol class="log">${groups.map((group) => passEntry(group, nowMs))}</ol>`;
}

function passEntry(group: readonly Change[], nowMs: number): Html {
  const [first] = group;
  return html`<li><p class="when">${first === undefined ? null : moment(first.atMs, nowMs)}</p><ul>${group.map(entry)}</ul></li>`;
}

function entry({ op, device, reason, error, port }: Change): Html {
  const [done, wanted] = OPERATIONS[op].words;
  const name = html`<b class="device"${port === null ? null : html` title="port ${port}"`}>${device}</b>`;
  return error === null
    ? html`<li>${icon('check')}<p>${done} ${name}<span class="why">${reason}</span></p></li>`
    : html`<li class="bad">${icon('cross')}<p><b class="error">Could not</b> ${wanted} ${name}<span class="why">${reason}</span><span class="error text">${error}</span></p></li>`;
}
