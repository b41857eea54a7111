import type { TapStatus } from '../../model/index.js';
import { type Html, html } from './html.js';

/** How grave something is; each tone has its colours in the style sheet, and never says anything alone. */
export type Tone = 'good' | 'wait' | 'warn' | 'bad' | 'calm';

/** Every picture of the sprite below. */
export type Icon =
  | 'check'
  | 'clock'
  | 'cross'
  | 'pause'
  | 'power'
  | 'question'
  | 'hand'
  | 'uplink'
  | 'bridge'
  | 'alert';

export type TapState = TapStatus['state'];

interface Look {
  readonly tone: Tone;
  readonly icon: Icon;
  readonly label: string;
}

/** In the order in which a person should see them: what needs somebody first. */
export const TAP_STATES: Readonly<Record<TapState, Look>> = {
  blocked: { tone: 'bad', icon: 'cross', label: 'blocked' },
  held: { tone: 'warn', icon: 'pause', label: 'held' },
  'left-alone': { tone: 'warn', icon: 'hand', label: 'left alone' },
  unknown: { tone: 'wait', icon: 'question', label: 'not known yet' },
  waiting: { tone: 'wait', icon: 'clock', label: 'waiting' },
  down: { tone: 'calm', icon: 'power', label: 'admin down' },
  'no-row': { tone: 'calm', icon: 'question', label: 'no port' },
  wired: { tone: 'good', icon: 'check', label: 'wired' },
};

export const TAP_STATE_NAMES = Object.keys(TAP_STATES) as readonly TapState[];

/** How many taps are in each state that occurs, in the order of `TAP_STATES`. */
export function tally(
  taps: readonly TapStatus[],
): readonly { readonly state: TapState; readonly taps: number }[] {
  return TAP_STATE_NAMES.map((state) => ({
    state,
    taps: taps.filter((tap) => tap.state === state).length,
  })).filter(({ taps: some }) => some > 0);
}

/** How many taps are in each state, in words, each with its picture. */
export const legendOf = (taps: readonly TapStatus[]): Html[] =>
  tally(taps).map(({ state, taps: some }) => {
    const { tone, icon: picture, label } = TAP_STATES[state];
    return html`<span class="state ${tone}">${icon(picture)}${some} ${label}</span>`;
  });

/** A picture beside a word that says the same, hence hidden from screen readers. */
export const icon = (name: Icon): Html =>
  html`<svg class="icon" aria-hidden="true"><use href="#icon-${name}"/></svg>`;

/** Strokes on a grid of 16; the shape alone tells the state, also in grey. */
const SHAPES: Readonly<Record<Icon, string>> = {
  check: 'M3.5 8.5l3 3 6-7',
  clock: 'M8 4.5V8l2.5 2M8 2a6 6 0 1 0 .01 0z',
  cross: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  pause: 'M5.5 4v8M10.5 4v8',
  power: 'M8 2.5v5M4.6 4.6a5 5 0 1 0 6.8 0',
  question: 'M5.5 6a2.5 2.5 0 1 1 3.6 2.2C8.3 8.7 8 9 8 10M8 12.6v.4',
  hand: 'M2.5 8h11M10 4.5L13.5 8 10 11.5',
  uplink: 'M2.5 3.5h11v7h-11zM5.5 10.5v2.5h5v-2.5M6 6v2M8 6v2M10 6v2',
  bridge: 'M2 11V6.5M14 11V6.5M2 6.5h12M5 6.5v3M8 6.5v3M11 6.5v3',
  alert: 'M8 2.5l6 10.5H2zM8 6.5v3M8 11.4v.3',
};

/** The pictures, once for the whole page. */
export const sprite: Html = html`<svg class="sprite" aria-hidden="true" width="0" height="0">${Object.entries(
  SHAPES,
).map(
  ([name, path]) => html`<symbol id="icon-${name}" viewBox="0 0 16 16"><path d="${path}"/></symbol>`,
)}</svg>`;
