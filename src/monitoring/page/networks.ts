import type { AgentStatus, NetworkId, NetworkStatus, TapStatus } from '../../model/index.js';
import { WARNINGS } from '../../model/index.js';
import { count, shortId } from '../../model/words.js';
import { fold, type Html, html } from './html.js';
import { icon, legendOf, TAP_STATE_NAMES, TAP_STATES, type Tone } from './states.js';
import { isTroubled, tunnelDrawing, tunnelLegend } from './tunnel.js';

/** One piece of a region: its element carries `id`. */
export interface Part {
  readonly id: string;
  readonly html: Html;
}

/** Wired taps beyond these are folded away: they are fine. */
const WIRED_SHOWN_MAX = 24;
/** Taps and networks beyond these are counted but not listed, so that the page stays readable and bounded. */
const TAPS_LISTED_MAX = 400;
const NETWORKS_LISTED_MAX = 200;
/** On a host with more taps than these, a network without trouble is folded. */
const UNFOLDED_TAPS_MAX = 60;

/** A card for each network, those that need somebody first, then the taps that belong to none. */
export function networkParts({ networks, taps, nowMs }: AgentStatus): readonly Part[] {
  const byNetwork = groupByNetwork(taps, networks);
  const folds = taps.length > UNFOLDED_TAPS_MAX;
  const cards = networks.map((network) => ({ network, taps: byNetwork.get(network.id) ?? [] }));
  const sorted = [...cards].sort(
    (a, b) => rankOf(a) - rankOf(b) || compare(keyOf(a.network), keyOf(b.network)),
  );
  const strays = byNetwork.get(null) ?? [];
  return [
    { id: 'networks-count', html: countLine(networks.length, taps.length) },
    ...sorted.slice(0, NETWORKS_LISTED_MAX).map((card) => ({
      id: cardId(card.network.id),
      html: networkCard(card, folds && rankOf(card) === CALM, nowMs),
    })),
    ...(strays.length === 0 ? [] : [{ id: 'networks-none', html: strayCard(strays) }]),
    ...(sorted.length <= NETWORKS_LISTED_MAX
      ? []
      : [
          {
            id: 'networks-more',
            html: html`<p id="networks-more" class="more">${unlisted(sorted.length - NETWORKS_LISTED_MAX, 'network')}</p>`,
          },
        ]),
  ];
}

const cardId = (id: NetworkId): string => `network-${id}`;
/** `VLAN 9` before `VLAN 10`. */
const { compare } = new Intl.Collator('en', { numeric: true });
const byName = (a: TapStatus, b: TapStatus): number => (a.tap < b.tap ? -1 : Number(a.tap > b.tap));
const unlisted = (amount: number, word: string): Html =>
  html`and ${count(amount, `more ${word}`)}; <code>status --json</code> lists them all`;

function countLine(networks: number, taps: number): Html {
  const text =
    networks + taps === 0
      ? 'No network of the database has a tap on this host yet.'
      : `${count(networks, 'network')} with ${count(taps, 'tap')}; what needs a look comes first.`;
  return html`<p id="networks-count" class="lead">${text}</p>`;
}

/** A tap without a port hangs where it is; one that is in no listed network's bridge either belongs to none. No tap is lost. */
function groupByNetwork(
  taps: readonly TapStatus[],
  networks: readonly NetworkStatus[],
): ReadonlyMap<NetworkId | null, readonly TapStatus[]> {
  const known = new Set(networks.map(({ id }) => id));
  const byBridge = new Map(networks.map(({ bridge, id }) => [bridge, id]));
  const groups = new Map<NetworkId | null, TapStatus[]>();
  for (const tap of taps) {
    const listed = tap.network !== null && known.has(tap.network) ? tap.network : null;
    const key = listed ?? (tap.bridge === null ? null : (byBridge.get(tap.bridge) ?? null));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [tap]);
    else group.push(tap);
  }
  return groups;
}

const keyOf = ({ segment, id }: NetworkStatus): string => `${segment ?? ''} ${id}`;

interface Card {
  readonly network: NetworkStatus;
  readonly taps: readonly TapStatus[];
}

const CALM = 2;

function rankOf({ network, taps }: Card): number {
  if (network.state === 'blocked') return 0;
  if (network.tunnel !== null && isTroubled(network.tunnel)) return 1;
  return taps.some(({ state }) => TAP_STATES[state].tone !== 'good') ? 1 : CALM;
}

function networkCard({ network, taps }: Card, folded: boolean, nowMs: number): Html {
  return html`<details id="${cardId(network.id)}" class="network"${folded ? null : html` open`}>
<summary><h3>${headingOf(network)}</h3><span class="device id" title="${network.id}">${shortId(
    network.id,
  )}</span><span class="legend">${stateOf(network)}${network.tunnel === null ? null : tunnelLegend(network.tunnel)}${legendOf(taps)}</span></summary>
${warningOf(network)}
<div class="drawing">
${network.tunnel === null ? uplinkOf(network) : tunnelDrawing(network.tunnel, network.uplink, nowMs)}
${bridgeOf(network)}
${tapTree(taps, 'taps')}
</div>
</details>`;
}

/** Its segment; of one that has no way out of this host, what is missing. */
function headingOf({ segment, physicalNetwork, warning }: NetworkStatus): string {
  if (segment !== null) return segment;
  return warning?.code === 'PHYSICAL_NETWORK_UNMAPPED' && physicalNetwork !== null
    ? `physical network ${physicalNetwork} is not mapped here`
    : 'no segment';
}

const NETWORK_STATES: Readonly<Record<NetworkStatus['state'], { tone: Tone; label: string } | null>> = {
  served: null,
  blocked: { tone: 'bad', label: 'cannot be served' },
  idle: { tone: 'calm', label: 'no tap here' },
  gone: { tone: 'calm', label: 'deleted in the database' },
};

function stateOf({ state }: NetworkStatus): Html | null {
  const look = NETWORK_STATES[state];
  if (look === null) return null;
  return html`<span class="state ${look.tone}">${icon(state === 'blocked' ? 'cross' : 'power')}${look.label}</span>`;
}

function warningOf({ warning }: NetworkStatus): Html | null {
  if (warning === null) return null;
  return html`<div class="note bad"><p><strong>${warning.message}</strong></p><p>${WARNINGS[warning.code].remedy}</p><p class="device">${warning.code}</p></div>`;
}

function uplinkOf({ uplink, segment, state }: NetworkStatus): Html {
  if (uplink !== null) {
    return html`<div class="uplink joined"><span class="box">${icon('uplink')}<span><b class="device">${uplink}</b><small>uplink</small></span></span></div>`;
  }
  const why =
    segment === 'local' ? 'local: stays on this host' : state === 'blocked' ? 'no uplink' : 'no uplink yet';
  return html`<div class="uplink"><span class="box">${icon('uplink')}<small>${why}</small></span></div>`;
}

function bridgeOf({ bridge }: NetworkStatus): Html {
  return bridge === null
    ? html`<div class="bridge missing">${icon('bridge')}<small>no bridge</small></div>`
    : html`<div class="bridge">${icon('bridge')}<b class="device">${bridge}</b><small>bridge</small></div>`;
}

/** `taps free`: they hang on no bridge. */
function tapTree(taps: readonly TapStatus[], className: 'taps' | 'taps free'): Html | null {
  if (taps.length === 0) return null;
  const rank = (tap: TapStatus): number => TAP_STATE_NAMES.indexOf(tap.state);
  const sorted = [...taps].sort((a, b) => rank(a) - rank(b) || byName(a, b));
  const listed = sorted.slice(0, TAPS_LISTED_MAX);
  const troubled = listed.filter(({ state }) => state !== 'wired');
  const wired = listed.filter(({ state }) => state === 'wired');
  const shown = [...troubled, ...wired.slice(0, WIRED_SHOWN_MAX)];
  const folded = wired.slice(WIRED_SHOWN_MAX);
  return html`<ul class="${className}">${shown.map(tapBox)}</ul>
${folded.length === 0 ? null : fold(count(folded.length, 'more wired tap'), html`<ul class="${className}">${folded.map(tapBox)}</ul>`)}
${sorted.length > listed.length ? html`<p class="more">${unlisted(sorted.length - listed.length, 'tap')}</p>` : null}`;
}

/** A tap hangs on its bridge by a whole line, or by a dashed one when it is in none. */
function tapBox({ tap, port, bridge, state, why }: TapStatus): Html {
  const { tone, icon: picture, label } = TAP_STATES[state];
  return html`<li class="tap ${tone}${bridge === null ? ' loose' : ''}"${port === null ? null : html` title="port ${port}"`}><span class="box">${icon(picture)}<span><b class="device">${tap}</b><small>${label}</small>${
    why === null ? null : html`<span class="why">${why}</span>`
  }</span></span></li>`;
}

function strayCard(taps: readonly TapStatus[]): Html {
  return html`<details id="networks-none" class="network" open>
<summary><h3>Taps of no network</h3><span class="legend">${legendOf(taps)}</span></summary>
<div class="drawing">${tapTree(taps, 'taps free')}</div>
</details>`;
}
