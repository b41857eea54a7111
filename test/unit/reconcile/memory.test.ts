import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ifIndex, type Link, linkName, portId } from '../../../src/model/index.js';
import {
  ABSENT_RETRY_MS,
  EMPTY_MEMORY,
  isStillAbsent,
  KNOWN_PORTS_MAX,
  learn,
  type Memory,
  noteAway,
  noteSightings,
  recall,
  remember,
} from '../../../src/reconcile/remember/memory.js';
import { settleStatuses } from '../../../src/reconcile/remember/settle-statuses.js';
import { type View, viewOf } from '../../../src/reconcile/see/view.js';
import { buildHost, buildSettings, type LinkWords } from '../../support/simulated/host-builder.js';
import { type AnswerWords, buildAnswer } from '../../support/simulated/row-builder.js';

const SETTINGS = buildSettings({ bridges: ['physnet3:br-ex'] });
const HOUR_MS = 3_600_000;
const view = (words: LinkWords[]): View => viewOf(buildHost(words), SETTINGS);

/** One pass, as far as it looks at taps. */
const look = (memory: Memory, now: View, nowMs: number): Memory =>
  noteAway(noteSightings(memory, now, nowMs), now, nowMs);

/** One good poll: the taps are looked at, the rows are taken in. */
function poll(
  memory: Memory,
  links: LinkWords[],
  words: AnswerWords,
  nowMs: number,
  madeSince: string[] = [],
): Memory {
  const now = view(links);
  const all = [...now.observed.links.values()];
  const presentBefore = new Set(
    all.filter(({ name }) => !madeSince.includes(name)).map(({ index }) => index),
  );
  const sighted = look(memory, now, nowMs);
  return remember(sighted, now, { answer: buildAnswer(words), presentBefore }, HOUR_MS, nowMs);
}

const TAP: LinkWords = { name: 'tapp1' };
const ROW: AnswerWords = { ports: [{ id: 'p1', network: 'n1', status: 'ACTIVE' }], networks: [{ id: 'n1' }] };
const known = (memory: Memory) => memory.known.get(linkName('tapp1'));
const away = (memory: Memory) => memory.away.get(linkName('tapp1'));

test('a port is known when its tap is here and the poll found it', () => {
  assert.equal(known(poll(EMPTY_MEMORY, [TAP], ROW, 0))?.id, 'p1');
});

test('a port whose tap went away stays known for the retention, and not longer', () => {
  const here = poll(EMPTY_MEMORY, [TAP], ROW, 0);
  const gone = poll(here, [], ROW, 1000);
  assert.equal(away(poll(gone, [], ROW, 1000 + HOUR_MS - 1))?.sinceMs, 1000);
  assert.equal(known(poll(gone, [], ROW, 1000 + HOUR_MS)), undefined);
});

test('a port that the poll no longer finds is not known any more', () => {
  const here = poll(EMPTY_MEMORY, [TAP], ROW, 0);
  assert.equal(known(poll(here, [TAP], {}, 1000)), undefined);
  assert.equal(known(poll(here, [], {}, 1000)), undefined);
});

test('during an outage a port stays known without limit', () => {
  const here = poll(EMPTY_MEMORY, [TAP], ROW, 0);
  const later = look(here, view([]), 100 * HOUR_MS);
  assert.deepEqual(
    recall(later).ports.all.map(({ id }) => id),
    ['p1'],
  );
});

test('a known port is remembered with its newest row', () => {
  const here = poll(EMPTY_MEMORY, [TAP], ROW, 0);
  const moved = { ...ROW, ports: [{ id: 'p1', network: 'n2' }] };
  assert.equal(known(poll(here, [], moved, 1000))?.networkId, 'n2');
});

test('no more than the limit of ports is remembered, those that are here first', () => {
  const rows = Array.from({ length: KNOWN_PORTS_MAX + 10 }, (_, at) => ({ id: `p${at}`, network: 'n1' }));
  const half = rows.slice(0, KNOWN_PORTS_MAX / 2).map(({ id }) => ({ name: `tap${id}` }));
  const rest = rows.slice(KNOWN_PORTS_MAX / 2).map(({ id }) => ({ name: `tap${id}` }));
  const first = poll(EMPTY_MEMORY, half, { ports: rows }, 0);
  const second = poll(first, rest, { ports: rows }, 1000);
  assert.equal(second.known.size, KNOWN_PORTS_MAX);
  assert.equal(second.known.size - second.away.size, rest.length);
});

test('a tap that goes away is owed one DOWN, until it was written or the tap is back', () => {
  const here = poll(EMPTY_MEMORY, [TAP], ROW, 0);
  const gone = look(here, view([]), 1000);
  assert.equal(away(gone)?.owesDown, true);
  assert.equal(away(look(gone, view([]), 2000))?.owesDown, true);
  const wrote = (port: string, to: string) =>
    settleStatuses(gone, [{ port: portId(port), from: null, to, bound: 'here' }]);
  assert.equal(away(wrote('p1', 'DOWN'))?.owesDown, false);
  assert.equal(away(wrote('p2', 'DOWN'))?.owesDown, true);
  assert.equal(away(wrote('p1', 'ACTIVE'))?.owesDown, true, 'it went while ACTIVE was being written');
  assert.equal(away(look(gone, view([TAP]), 2000)), undefined);
});

test('a name without a row is not asked for again for ten seconds from the first question', () => {
  const name = linkName('tapp1');
  const first = poll(EMPTY_MEMORY, [TAP], {}, 0);
  const second = poll(first, [TAP], {}, 5000);
  assert.equal(isStillAbsent(second, name, ABSENT_RETRY_MS - 1), 0);
  assert.equal(isStillAbsent(second, name, ABSENT_RETRY_MS), null);
});

test('a tap that was made after the question is not taken for one without a row', () => {
  const memory = poll(EMPTY_MEMORY, [TAP], {}, 0, ['tapp1']);
  assert.equal(isStillAbsent(memory, linkName('tapp1'), 1), null);
});

test('a tap whose row cannot be used is disputed, not absent', () => {
  const memory = poll(EMPTY_MEMORY, [TAP], { badPorts: ['p1'] }, 0);
  assert.equal(memory.disputed.has(linkName('tapp1')), true);
  assert.equal(memory.absent.size, 0);
});

test('a tap without a master is first seen once, and again when it lost its master', () => {
  const bridge: LinkWords = { name: 'br-ex' };
  const index = ifIndex(11);
  const first = noteSightings(EMPTY_MEMORY, view([bridge, TAP]), 10);
  assert.equal(noteSightings(first, view([bridge, TAP]), 20).firstSeenMs.get(index), 10);
  const plugged = noteSightings(first, view([bridge, { ...TAP, master: 'br-ex' }]), 20);
  assert.equal(plugged.firstSeenMs.has(index), false);
  assert.equal(noteSightings(plugged, view([bridge, TAP]), 30).firstSeenMs.get(index), 30);
});

test('a tap in a mapped bridge stays this agent’s after its port is gone, and until it leaves the bridge', () => {
  const links = [{ name: 'br-ex' }, { ...TAP, master: 'br-ex' }];
  const index: Link['index'] = ifIndex(11);
  const wired = noteSightings(poll(EMPTY_MEMORY, links, ROW, 0), view(links), 1000);
  const gone = noteSightings(poll(wired, links, {}, 1000), view(links), 2000);
  assert.equal(gone.plugged.has(index), true);
  assert.equal(noteSightings(gone, view([{ name: 'br-ex' }, TAP]), 3000).plugged.has(index), false);
});

test('from what is remembered nothing is ever removed', () => {
  assert.equal(recall(poll(EMPTY_MEMORY, [TAP], ROW, 0)).presentBefore, null);
});

test('whole device names belong to the Essex generation only', () => {
  const knows = (generation: string) =>
    learn({ answer: buildAnswer({ generation }), presentBefore: new Set() }).hasGatewayDevices;
  assert.deepEqual(
    [knows('essex'), knows('folsom'), knows('grizzly'), knows('ml2')],
    [true, false, false, false],
  );
});
