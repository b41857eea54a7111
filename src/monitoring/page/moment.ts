import { type Html, html } from './html.js';

/** A moment: the time of day, with the date when that is not today. All of the page is in UTC. */
export function moment(atMs: number, nowMs: number): Html {
  const iso = new Date(atMs).toISOString();
  const today = iso.slice(0, 10) === new Date(nowMs).toISOString().slice(0, 10);
  const day = today ? '' : `${iso.slice(5, 10)} `;
  return html`<time datetime="${iso}" title="${iso}">${day}${iso.slice(11, 19)}</time>`;
}
