import type { AgentStatus } from '../../model/index.js';
import { changeLog } from './changes.js';
import { type Html, html } from './html.js';
import { networkParts, type Part } from './networks.js';
import { heldParts, warningParts } from './notices.js';
import { facts, verdict } from './overview.js';
import { passTimeline } from './passes.js';
import { sprite } from './states.js';
import { verdictOf } from './verdict.js';

/** A place in the page whose children change while it is open. Its element has this id, and so has each of its parts. */
export interface Region {
  readonly id: string;
  readonly parts: readonly Part[];
}

/** Everything of the page that depends on how the agent sees the host. */
export const regionsOf = (status: AgentStatus): readonly Region[] => [
  { id: 'now', parts: [{ id: 'verdict', html: verdict(status) }] },
  { id: 'facts', parts: [{ id: 'facts-list', html: facts(status) }] },
  { id: 'held', parts: heldParts(status) },
  { id: 'networks', parts: networkParts(status) },
  { id: 'warnings', parts: warningParts(status) },
  { id: 'passes', parts: [{ id: 'passes-line', html: passTimeline(status) }] },
  { id: 'changes', parts: [{ id: 'changes-list', html: changeLog(status) }] },
];

/** What the browser's tab says. */
export const titleOf = (status: AgentStatus): string => `${status.host}: ${verdictOf(status).title}`;

/** The whole page as it is now; it needs no script to be read. */
export function documentOf(status: AgentStatus): string {
  const regions = new Map(regionsOf(status).map(({ id, parts }) => [id, parts]));
  const region = (id: string): Html =>
    html`<div id="${id}">${(regions.get(id) ?? []).map((part) => part.html)}</div>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${titleOf(status)}</title>
<link rel="icon" href="page.svg" type="image/svg+xml">
<link rel="stylesheet" href="page.css">
<script src="page.js" type="module"></script>
</head>
<body>
${sprite}
<a class="skip" href="#main">Skip to the networks</a>
<header>
<div><p class="eyebrow">Quantum LinuxBridge agent</p><h1>${status.host}</h1></div>
<div class="live"><span id="live" role="status">still picture</span><button id="pause" type="button" aria-pressed="false" hidden>Pause</button></div>
<noscript><p class="lead">Without JavaScript this is a picture of one moment: reload the page for the next one.</p></noscript>
${region('now')}
${region('facts')}
</header>
<main id="main" tabindex="-1">
${region('held')}
<section aria-labelledby="networks-title"><h2 id="networks-title">Networks</h2>${region('networks')}</section>
${region('warnings')}
<section aria-labelledby="passes-title"><h2 id="passes-title">Last passes</h2>${region('passes')}</section>
<section aria-labelledby="changes-title"><h2 id="changes-title">Recent changes</h2>${region('changes')}</section>
</main>
<footer><p>All times are UTC. The same as text: <code>quantum-linuxbridge-agent status</code>; why a port is not wired: <code>quantum-linuxbridge-agent explain PORT</code>.</p></footer>
</body>
</html>
`.html;
}
