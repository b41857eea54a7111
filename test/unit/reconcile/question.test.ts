import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ifIndex, linkName } from '../../../src/model/index.js';
import { ABSENT_RETRY_MS, EMPTY_MEMORY, type Memory } from '../../../src/reconcile/remember/memory.js';
import { hasUnknownTaps, presentWhenAsked, questionFor } from '../../../src/reconcile/remember/question.js';
import { allTaps, type View, viewOf } from '../../../src/reconcile/see/view.js';
import { buildHost, buildSettings, type LinkWords } from '../../support/simulated/host-builder.js';
import { buildPort } from '../../support/simulated/row-builder.js';

const view = (...words: LinkWords[]): View =>
  viewOf(buildHost(words), buildSettings({ bridges: ['physnet3:br-ex'] }));

const knowing = (id: string): Memory => ({
  ...EMPTY_MEMORY,
  known: new Map([[linkName(`tap${id.slice(0, 11)}`), buildPort({ id, network: 'n1' })]]),
});

const missing = (name: string): Memory => ({ ...EMPTY_MEMORY, absent: new Map([[linkName(name), 0]]) });

test('an unknown tap is asked for by what follows its prefix', () => {
  assert.deepEqual(questionFor(view({ name: 'tap11111111-11' }), EMPTY_MEMORY, 0).taps, [
    { by: 'suffix', suffix: '11111111-11', wired: false },
  ]);
});

test('a known tap is asked for by its whole id', () => {
  assert.deepEqual(questionFor(view({ name: 'tapp1' }), knowing('p1'), 0).taps, [
    { by: 'id', id: 'p1', wired: false },
  ]);
});

test('a known port whose tap went away is asked for too', () => {
  assert.deepEqual(questionFor(view(), knowing('p1'), 0).taps, [{ by: 'id', id: 'p1', wired: false }]);
});

test('a known port that its host was taken from is asked for with every other of its prefix, where ports have hosts', () => {
  const known = new Map([[linkName('tapp1'), buildPort({ id: 'p1', network: 'n1', binding: 'unhosted' })]]);
  const asked = (hasHosts: boolean) =>
    questionFor(view({ name: 'tapp1' }), { ...EMPTY_MEMORY, known, hasHosts }, 0).taps;
  assert.deepEqual(asked(true), [{ by: 'suffix', suffix: 'p1', wired: false }]);
  assert.deepEqual(asked(false), [{ by: 'id', id: 'p1', wired: false }]);
});

test('a gateway device is asked for as a whole', () => {
  assert.deepEqual(questionFor(view({ name: 'gw-12345678' }), EMPTY_MEMORY, 0).taps, [
    { by: 'device', device: 'gw-12345678', wired: false },
  ]);
});

test('a tap in an agent’s or a mapped bridge is wired, one in a foreign bridge is not', () => {
  const bridges = [{ name: 'brqn1', label: 'n1' }, { name: 'br-ex' }, { name: 'br0' }];
  const taps = bridges.map(({ name }, at) => ({ name: `tap${at}`, master: name }));
  const { taps: questions } = questionFor(view(...bridges, ...taps), EMPTY_MEMORY, 0);
  assert.deepEqual(
    questions.map(({ wired }) => wired),
    [true, true, false],
  );
});

test('a name without a row is left out for ten seconds', () => {
  const asked = (nowMs: number) => questionFor(view({ name: 'tapp1' }), missing('tapp1'), nowMs).taps.length;
  assert.deepEqual([asked(ABSENT_RETRY_MS - 1), asked(ABSENT_RETRY_MS)], [0, 1]);
});

test('a wired tap without a row is asked for in every poll', () => {
  const links = [
    { name: 'brqn1', label: 'n1' },
    { name: 'tapp1', master: 'brqn1' },
  ];
  assert.equal(questionFor(view(...links), missing('tapp1'), 1).taps.length, 1);
});

test('the absence of a tap that was not asked for means nothing', () => {
  const now = view({ name: 'tapp1' }, { name: 'tapp2' });
  const present = presentWhenAsked(now, missing('tapp1'), 1);
  assert.deepEqual([...present], [ifIndex(11)]);
});

test('networks are asked for by label, and by name where there is no label', () => {
  const links = [
    { name: 'brqn1', label: 'n1' },
    { name: 'brq12345678-9a' },
    { name: 'brqfoo' },
    { name: 'eth1' },
    { name: 'eth1.100', vlan: 100, label: 'n2' },
  ];
  assert.deepEqual(questionFor(view(...links), EMPTY_MEMORY, 0).bridges, [
    { by: 'id', id: 'n1' },
    { by: 'id', id: 'n2' },
    { by: 'suffix', suffix: '12345678-9a' },
  ]);
});

test('an unknown tap is a reason to ask at once', () => {
  assert.equal(hasUnknownTaps(allTaps(view({ name: 'tapp1' })), EMPTY_MEMORY, 0), true);
});

test('a known tap, one just asked for in vain and a disputed one are none', () => {
  const now = view({ name: 'tapp1' });
  assert.equal(hasUnknownTaps(allTaps(now), knowing('p1'), 0), false);
  assert.equal(hasUnknownTaps(allTaps(now), missing('tapp1'), 1), false);
  assert.equal(
    hasUnknownTaps(allTaps(now), { ...EMPTY_MEMORY, disputed: new Set([linkName('tapp1')]) }, 0),
    false,
  );
});

test('a network without its own devices here is not asked for', () => {
  assert.deepEqual(questionFor(view({ name: 'eth1' }, { name: 'br-ex' }), EMPTY_MEMORY, 0), {
    taps: [],
    bridges: [],
  });
});
