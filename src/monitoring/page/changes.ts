import type { AgentStatus, Change } from '../../model/index.js';
import { type Html, html } from './html.js';
import { moment } from './moment.js';
import { icon } from './states.js';

/** Operations shown at once; the older ones are folded. */
const SHOWN_MAX = 20;
const LISTED_MAX = 200;

/** What was done, and what could not be. */
const OPERATION_WORDS: Readonly<Record<Change['op'], readonly [done: string, wanted: string]>> = {
  'create-bridge': ['made bridge', 'make bridge'],
  'create-subinterface': ['made VLAN subinterface', 'make VLAN subinterface'],
  'set-label': ['labelled', 'label'],
  'disable-ipv6': ['switched IPv6 off on', 'switch IPv6 off on'],
  'set-ipv6': ['set the IPv6 options of', 'set the IPv6 options of'],
  'set-ipv4': ['set the IPv4 options of', 'set the IPv4 options of'],
  'set-group': ['set the device group of', 'set the device group of'],
  'set-tap-filter': ['wrote nftables table', 'write nftables table'],
  'set-mac': ['set the MAC address of', 'set the MAC address of'],
  'set-mtu': ['set the MTU of', 'set the MTU of'],
  'set-bridge-options': ['set STP and forward delay of', 'set STP and forward delay of'],
  'set-up': ['brought up', 'bring up'],
  attach: ['attached', 'attach'],
  detach: ['detached', 'detach'],
  'move-addresses': ['moved the addresses of', 'move the addresses of'],
  'delete-bridge': ['deleted bridge', 'delete bridge'],
  'delete-subinterface': ['deleted VLAN subinterface', 'delete VLAN subinterface'],
};

/** What the agent did lately and why, the newest first, by pass. */
export function changeLog({ changes, nowMs }: AgentStatus): Html {
  if (changes.length === 0) {
    return html`<div id="changes-list"><p class="lead">Nothing has been changed since the agent started.</p></div>`;
  }
  const older = changes.slice(SHOWN_MAX, LISTED_MAX);
  return html`<div id="changes-list">
${byPass(changes.slice(0, SHOWN_MAX), nowMs)}
${older.length === 0 ? null : html`<details class="fold"><summary>${older.length} older</summary>${byPass(older, nowMs)}</details>`}
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
  const [done, wanted] = OPERATION_WORDS[op];
  const name = html`<b class="device"${port === null ? null : html` title="port ${port}"`}>${device}</b>`;
  return error === null
    ? html`<li>${icon('check')}<p>${done} ${name}<span class="why">${reason}</span></p></li>`
    : html`<li class="bad">${icon('cross')}<p><b class="error">Could not</b> ${wanted} ${name}<span class="why">${reason}</span><span class="error text">${error}</span></p></li>`;
}
