import type { EndpointState, EndpointStatus, TunnelStatus } from '../../model/index.js';
import { ENDPOINT_WORDS, endpointsIn, hostsInWords, statesToTell } from '../../model/tunnel-words.js';
import { count } from '../../model/words.js';
import { fold, type Html, html } from './html.js';
import { moment } from './moment.js';
import { type Icon, icon, type Tone } from './states.js';

/** Endpoints that are as they should be are folded away beyond these. */
const LISTED_SHOWN_MAX = 8;
/** Further ones are counted, so that the page stays readable and bounded. */
const TOLD_MAX = 200;

const LOOKS: Readonly<Record<EndpointState, { readonly tone: Tone; readonly icon: Icon }>> = {
  unknown: { tone: 'warn', icon: 'question' },
  missing: { tone: 'wait', icon: 'clock' },
  held: { tone: 'warn', icon: 'pause' },
  leaving: { tone: 'calm', icon: 'clock' },
  listed: { tone: 'good', icon: 'check' },
};

/** Whether somebody should look at it: what only waits for further answers is no trouble. */
export const isTroubled = ({ counts }: TunnelStatus): boolean =>
  counts.unknown + counts.missing + counts.held > 0;

/** What a reader of the closed card has to know of its endpoints. */
export const tunnelLegend = (tunnel: TunnelStatus): Html[] =>
  statesToTell(tunnel).map((state) => {
    const { tone, icon: picture } = LOOKS[state];
    return html`<span class="state ${tone}">${icon(picture)}${count(tunnel.counts[state], 'endpoint')} ${ENDPOINT_WORDS[state]}</span>`;
  });

/** The other ends on top, the tunnel that they hang on, and the wire to the bridge below it. */
export function tunnelDrawing(tunnel: TunnelStatus, uplink: string | null, nowMs: number): Html {
  const { endpoints } = tunnel;
  const told = endpoints.slice(0, TOLD_MAX);
  const first = told.findIndex(({ state }) => state === 'listed');
  const shown = first === -1 ? told.length : first + LISTED_SHOWN_MAX;
  const folded = told.slice(shown);
  const all = endpointsIn(tunnel);
  const ends = (some: readonly EndpointStatus[]): Html =>
    html`<ul class="ends">${some.map((one) => endBox(one, nowMs))}</ul>`;
  return html`<div class="tunnel">${
    folded.length === 0 ? null : fold(count(folded.length, 'more endpoint'), ends(folded))
  }${
    all > told.length
      ? html`<p class="more">and ${count(all - told.length, 'more endpoint')}; <code>explain</code> with the network’s id lists them all</p>`
      : null
  }${told.length === 0 ? null : ends(told.slice(0, shown))}
<div class="pipe${uplink === null ? ' missing' : ''}">${icon('uplink')}<b class="device">${tunnel.device}</b><small>${
    uplink === null ? 'the tunnel is not there yet' : 'tunnel'
  }, VNI ${tunnel.vni} from <span class="device">${tunnel.local}</span>${whereTo(tunnel, all)}</small></div></div>`;
}

function whereTo({ group, isRead }: TunnelStatus, all: number): Html {
  if (group !== null) return html` to multicast group <span class="device">${group}</span>`;
  if (!isRead) return html`; the database has not said yet which hosts have the network`;
  return all === 0 ? html`; no other host has the network` : html` to ${count(all, 'endpoint')}`;
}

function endBox(one: EndpointStatus, nowMs: number): Html {
  const { endpoint, state, why, sinceMs } = one;
  const { tone, icon: picture } = LOOKS[state];
  const since = sinceMs === null ? null : html`since ${moment(sinceMs, nowMs)}`;
  const word = state === 'listed' ? null : html`<small class="word">${ENDPOINT_WORDS[state]}</small>`;
  return html`<li class="end ${tone}"><span class="box">${icon(picture)}<span><b class="device">${
    endpoint ?? 'no address'
  }</b>${word}<small class="host"><span class="device">${hostsInWords(one)}</span> ${since}</small>${
    why === null ? null : html`<span class="why">${why}</span>`
  }</span></span></li>`;
}
