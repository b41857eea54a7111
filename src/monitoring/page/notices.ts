import type { AgentStatus, HeldRemoval, Warning, WarningCode } from '../../model/index.js';
import { fingerprintOf, WARNINGS } from '../../model/index.js';
import { count } from '../../model/words.js';
import { fold, type Html, html } from './html.js';
import type { Part } from './networks.js';
import { icon } from './states.js';

/** Of one kind of notice these are shown, the next ones are folded, the rest only counted. */
const SHOWN_MAX = 4;
const LISTED_MAX = 50;

/** What waits for the operator; nothing on a host where nothing does. */
export const heldParts = ({ held }: AgentStatus): readonly Part[] =>
  held.length === 0 ? [] : [{ id: 'held-notice', html: heldNotice(held) }];

/** What the agent warns of, with the remedies. Held removals have their own place, with more. */
export function warningParts({ warnings }: AgentStatus): readonly Part[] {
  const told = warnings.filter(({ code }) => code !== 'REMOVALS_HELD');
  return told.length === 0 ? [] : [{ id: 'warnings-notice', html: warningNotice(told) }];
}

function heldNotice(held: readonly HeldRemoval[]): Html {
  const reasons = [...new Set(held.map(({ reason }) => reason))];
  return html`<section id="held-notice" aria-labelledby="held-title">
<h2 id="held-title">Held removals</h2>
<div class="note warn">
${reasons.map((reason) => html`<p><strong>${reason}</strong></p>`)}
${listOf(held.map(({ text, taps }) => html`${text}${taps > 1 ? html` <small>(${count(taps, 'tap')})</small>` : null}`))}
<p>When the database is right, let them go ahead on this host:</p>
<pre tabindex="0" aria-label="command"><code>quantum-linuxbridge-agent accept ${fingerprintOf(held)}</code></pre>
</div>
</section>`;
}

/** One entry for each code: a thousand ports with one cause are one thing to do. */
function warningNotice(warnings: readonly Warning[]): Html {
  const byCode = new Map<WarningCode, string[]>();
  for (const { code, message } of warnings) {
    const messages = byCode.get(code);
    if (messages === undefined) byCode.set(code, [message]);
    else messages.push(message);
  }
  return html`<section id="warnings-notice" aria-labelledby="warnings-title">
<h2 id="warnings-title">Warnings</h2>
<div class="stack">${[...byCode].map(([code, messages]) => warningKind(code, messages))}</div>
</section>`;
}

function warningKind(code: WarningCode, messages: readonly string[]): Html {
  const { cause, remedy } = WARNINGS[code];
  return html`<div class="note plain">
<p class="kind">${icon('alert')}<b class="device">${code}</b>${messages.length > 1 ? html`<small>${messages.length} times</small>` : null}</p>
<p>${cause}</p>
${listOf(messages.map((message) => html`${message}`))}
<p class="remedy"><b>What to do:</b> ${remedy}</p>
</div>`;
}

function listOf(items: readonly Html[]): Html {
  const line = (item: Html): Html => html`<li>${item}</li>`;
  const folded = items.slice(SHOWN_MAX, LISTED_MAX);
  const rest = items.length - LISTED_MAX;
  const more =
    rest > 0 ? html`<p class="more">and ${rest} more; <code>status --json</code> lists them all</p>` : null;
  return html`<ul>${items.slice(0, SHOWN_MAX).map(line)}</ul>
${folded.length === 0 ? null : fold(`${folded.length + Math.max(0, rest)} more`, [html`<ul>${folded.map(line)}</ul>`, more])}`;
}
