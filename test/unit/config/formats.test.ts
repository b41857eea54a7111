import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  duration,
  type Format,
  groupName,
  interfaceName,
  listenAddress,
  mappings,
} from '../../../src/config/formats.js';
import { nearest } from '../../../src/config/nearest.js';

const read = <Value>(format: Format<Value>, text: string): Value | null => {
  const parsed = format.parse(text);
  return parsed.ok ? parsed.value : null;
};
const interval = duration(10, 3_600_000);

for (const [text, ms] of [
  ['2', 2000],
  ['0.5', 500],
  ['.5', 500],
  ['500ms', 500],
  ['2s', 2000],
  ['1.5s', 1500],
  ['10m', 600_000],
  ['1h', 3_600_000],
  [' 10 ms ', 10],
] as const)
  test(`the duration "${text}" is ${ms} ms`, () => assert.equal(read(interval, text), ms));

for (const text of [
  '',
  '0',
  '9ms',
  '-1',
  '2h',
  '1d',
  'two',
  '1e3',
  '0x10',
  'Infinity',
  'NaN',
  '2 s s',
  '9'.repeat(400),
])
  test(`"${text.slice(0, 20)}" is no duration between 10ms and 1h`, () =>
    assert.equal(read(interval, text), null));

test('mappings take commas and line ends, spaces around every part, and skip empty items', () => {
  assert.deepEqual(read(mappings('interface'), ' physnet1 : eth1 ,\nphysnet2:bond0.7,, '), [
    { physicalNetwork: 'physnet1', device: 'eth1' },
    { physicalNetwork: 'physnet2', device: 'bond0.7' },
  ]);
  assert.deepEqual(read(mappings('bridge'), ''), []);
});

for (const text of [
  'physnet1',
  'physnet1:',
  ':eth1',
  'a:b:c',
  'a:eth1,a:eth2',
  'a:eth1,b:eth1',
  'a:b/c',
  'a:..',
])
  test(`the mapping "${text}" is refused`, () => assert.equal(read(mappings('interface'), text), null));

test('an interface may be mapped by an altname, which has up to 127 bytes, not characters', () => {
  for (const [longest, tooLong] of [
    ['a'.repeat(127), 'a'.repeat(128)],
    [`${'é'.repeat(63)}a`, 'é'.repeat(64)],
  ] as const) {
    assert.equal(read(interfaceName, longest), longest);
    assert.equal(read(interfaceName, tooLong), null);
    assert.equal(read(mappings('interface'), `a:${longest}`)?.[0]?.device, longest);
    assert.equal(read(mappings('interface'), `a:${tooLong}`), null);
  }
});

test('a bridge is mapped by its name, which has at most 15 bytes', () => {
  assert.equal(read(mappings('bridge'), 'a:ééééééé')?.[0]?.device, 'ééééééé');
  assert.equal(read(mappings('bridge'), 'a:éééééééé'), null);
});

for (const [word, expected] of [
  ['poling_interval', 'polling_interval'],
  ['sql_conection', 'sql_connection'],
  ['physical_interface_maping', 'physical_interface_mappings'],
  ['PLUG_GARCE', 'plug_grace'],
] as const)
  test(`the known word nearest to ${word} is ${expected}`, () => {
    const known = [
      'sql_connection',
      'physical_interface',
      'physical_interface_mappings',
      'polling_interval',
      'plug_grace',
    ];
    assert.equal(nearest(word, known), expected);
  });

for (const [text, host, port] of [
  ['9754', '127.0.0.1', 9754],
  ['localhost:9754', '127.0.0.1', 9754],
  ['192.0.2.1:80', '192.0.2.1', 80],
  ['[::1]:9754', '::1', 9754],
  [':9754', null, 9754],
] as const)
  test(`web_listen_address ${text} is port ${port} of ${host ?? 'every address'}`, () =>
    assert.deepEqual(read(listenAddress, text), { host, port }));

for (const text of [
  '',
  'localhost',
  '::1:9754',
  '[192.0.2.1]:80',
  'example.org:80',
  '1.2.3:80',
  '127.0.0.1:65536',
])
  test(`"${text}" is no address to listen on`, () => assert.equal(read(listenAddress, text), null));

test('a group is a name or a number', () => {
  assert.equal(read(groupName, 'adm'), 'adm');
  assert.equal(read(groupName, '4'), '4');
  assert.equal(read(groupName, 'a:b'), null);
});
