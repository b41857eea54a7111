import type { AgentStatus, PassSummary } from '../../model/index.js';
import { count, took } from '../../model/words.js';
import { fold, type Html, html } from './html.js';
import { moment } from './moment.js';
import { TRIGGERS } from './overview.js';
import type { Tone } from './states.js';

/** As many bars as a phone can show apart. */
const BARS_MAX = 40;
const PLOT_HEIGHT = 96;
const TOP = 18;
/** The scale ends here when every pass was quicker: a bar's height should mean something by itself. */
const SCALE_MIN_MS = 10;

/** The last passes as bars, the newest at the right, and the same as a table. */
export function passTimeline({ passes, nowMs }: AgentStatus): Html {
  if (passes.length === 0) {
    return html`<div id="passes-line"><p class="lead">No pass has ended yet.</p></div>`;
  }
  const bars = passes.slice(0, BARS_MAX).reverse();
  const oldest = bars[0] ?? passes[0];
  const newest = bars.at(-1) ?? oldest;
  const scaleMs = Math.max(SCALE_MIN_MS, ...bars.map(({ durationMs }) => durationMs));
  return html`<div id="passes-line">
<p class="lead">Passes that changed something or failed, and the last one. The height is how long a pass took, the figure how many operations it carried out.</p>
<figure class="chart">
<svg role="img" aria-label="${described(bars, scaleMs)}" width="100%" height="${TOP + PLOT_HEIGHT + 1}">
${gridline(scaleMs, scaleMs)}${gridline(scaleMs, scaleMs / 2)}
<line class="axis" x1="0" x2="100%" y1="${TOP + PLOT_HEIGHT}" y2="${TOP + PLOT_HEIGHT}"/>
${bars.map((pass, at) => bar(pass, at, bars.length, scaleMs))}
</svg>
<figcaption>${oldest === undefined ? null : html`<span>${moment(oldest.atMs, nowMs)}</span>`}${newest === undefined ? null : html`<span>${moment(newest.atMs, nowMs)}</span>`}</figcaption>
</figure>
<p class="legend"><span class="key quiet"><i></i>nothing to change</span><span class="key good"><i></i>changed</span><span class="key warn"><i></i>with held removals</span><span class="key bad"><i></i>with a failure</span></p>
${table(bars, nowMs)}
</div>`;
}

function described(bars: readonly PassSummary[], scaleMs: number): string {
  const operations = bars.reduce((sum, pass) => sum + pass.operations, 0);
  const failed = bars.filter((pass) => pass.failed > 0).length;
  return `The last ${count(bars.length, 'pass').replace(/passs$/, 'passes')}: ${count(operations, 'operation')} in all, ${failed} with a failure, the longest took ${took(scaleMs)}. The table below has each.`;
}

function gridline(scaleMs: number, atMs: number): Html {
  const y = TOP + PLOT_HEIGHT - heightOf(atMs, scaleMs);
  return html`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}"/><text class="scale" x="0" y="${y - 4}">${took(atMs)}</text>`;
}

/** Square root: a pass of a second must not make those of some milliseconds vanish. */
const heightOf = (durationMs: number, scaleMs: number): number =>
  Math.max(3, Math.round(PLOT_HEIGHT * Math.sqrt(durationMs / scaleMs)));

function passTone({ failed, held, operations }: PassSummary): Tone | 'quiet' {
  if (failed > 0) return 'bad';
  if (held > 0) return 'warn';
  return operations > 0 ? 'good' : 'quiet';
}

function bar(pass: PassSummary, at: number, all: number, scaleMs: number): Html {
  // Bars keep to the right, as time goes, also when there are few of them.
  const slot = 100 / Math.max(all, 20);
  const left = 100 - (all - at) * slot;
  const height = heightOf(pass.durationMs, scaleMs);
  const tone = passTone(pass);
  const y = TOP + PLOT_HEIGHT - height;
  const middle = `${(left + slot / 2).toFixed(3)}%`;
  const figure = `${pass.operations === 0 ? '' : pass.operations}${pass.failed === 0 ? '' : '!'}`;
  return html`<g class="pass ${tone}"><title>${new Date(pass.atMs).toISOString().slice(11, 19)}, ${took(pass.durationMs)}, ${outcomeOf(pass)}</title><rect x="${(left + slot * 0.14).toFixed(3)}%" width="${(slot * 0.72).toFixed(3)}%" y="${y}" height="${height}" rx="2"/>${
    pass.operations + pass.failed > 0 ? html`<text x="${middle}" y="${y - 4}">${figure}</text>` : null
  }</g>`;
}

function outcomeOf({ operations, failed, held, inSync }: PassSummary): string {
  const parts = [
    operations === 0 ? 'nothing changed' : count(operations, 'operation'),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(held > 0 ? [`${held} held`] : []),
    inSync ? 'in sync' : 'not in sync',
  ];
  return parts.join(', ');
}

function table(bars: readonly PassSummary[], nowMs: number): Html {
  const rows = [...bars]
    .reverse()
    .map(
      (pass) =>
        html`<tr><td>${moment(pass.atMs, nowMs)}</td><td>${TRIGGERS[pass.trigger]}</td><td class="number">${took(pass.durationMs)}</td><td>${outcomeOf(pass)}</td></tr>`,
    );
  return fold(
    'As a table',
    html`<div class="scroll" tabindex="0" role="region" aria-label="Last passes"><table><thead><tr><th scope="col">Time</th><th scope="col">Started by</th><th scope="col" class="number">Took</th><th scope="col">Outcome</th></tr></thead><tbody>${rows}</tbody></table></div>`,
  );
}
