import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { commandsOf } from '../../../src/model/index.js';
import { ip, ipBatch, ipJson, ipLink } from '../../support/host/netns.js';
import { startQuietWitness } from '../../support/host/witness.js';
import { makeStage, sysctlOf } from './case.js';
import { brq, makeTap, network, port, tap } from './names.js';

const DIGITS = ['1', '2', '3'];
const portsOf = (...digits: string[]) => digits.map((digit) => port(digit, 'a', { status: 'ACTIVE' }));

for (const segment of ['local', 'flat physnet1']) {
  test(`${segment}: the bridge keeps its MAC address as taps with lower ones come and go`, (t) => {
    const stage = makeStage(t, DIGITS.map(makeTap));
    const rows = { ports: portsOf(...DIGITS), networks: [network('a', segment)] };
    stage.pass({ ...rows, ports: portsOf('1') });
    const mac = ipLink(stage.ns, brq('a'))?.address;
    if (segment !== 'local') assert.equal(mac, ipLink(stage.ns, 'eth1')?.address);
    ipBatch(
      stage.ns,
      DIGITS.slice(1).map((digit) => `link set ${tap(digit)} address 02:00:00:00:00:0${digit}`),
    );
    stage.pass(rows);
    assert.equal(ipLink(stage.ns, tap('3'))?.master, brq('a'));
    assert.equal(ipLink(stage.ns, brq('a'))?.address, mac);
    for (const digit of DIGITS) ip(stage.ns, 'link', 'del', tap(digit));
    assert.equal(ipLink(stage.ns, brq('a'))?.address, mac);
  });
}

test('a local bridge that is made again has the MAC address it had', (t) => {
  const stage = makeStage(t, [makeTap('1')]);
  const rows = { ports: portsOf('1'), networks: [network('a', 'local')] };
  stage.pass(rows);
  const before = ipLink(stage.ns, brq('a'));
  ip(stage.ns, 'link', 'del', brq('a'));
  stage.pass(rows);
  const after = ipLink(stage.ns, brq('a'));
  assert.notEqual(after?.ifindex, before?.ifindex);
  assert.equal(after?.address, before?.address);
});

test('an adopted bridge keeps the MAC address that it has', (t) => {
  const mac = '02:00:00:00:00:99';
  const stage = makeStage(t, [`link add ${brq('a')} address ${mac} type bridge`, makeTap('1')]);
  stage.pass({ ports: portsOf('1'), networks: [network('a', 'local')] });
  assert.equal(ipLink(stage.ns, tap('1'))?.master, brq('a'));
  assert.equal(ipLink(stage.ns, brq('a'))?.address, mac);
});

test('a flat bridge that Neutron made keeps the MAC address it had when it was adopted, whoever comes and goes', (t) => {
  const mac = '02:00:00:00:00:20';
  const stage = makeStage(t, [
    ...DIGITS.map(makeTap),
    `link set ${tap('1')} address ${mac}`,
    `link set ${tap('2')} address 02:00:00:00:00:10`,
    `link add ${brq('a')} up type bridge forward_delay 0`,
    `link set eth1 address 02:00:00:00:00:30 master ${brq('a')}`,
    `link set ${tap('1')} up master ${brq('a')}`,
  ]);
  assert.equal(ipLink(stage.ns, brq('a'))?.address, mac, 'the kernel has taken the lowest');
  const rows = { ports: portsOf('1'), networks: [network('a', 'flat physnet1')] };
  assert.ok(stage.pass(rows).operations.some(({ op }) => op === 'set-mac'));
  stage.pass({ ...rows, ports: portsOf('1', '2') });
  assert.equal(ipLink(stage.ns, tap('2'))?.master, brq('a'));
  assert.equal(ipLink(stage.ns, brq('a'))?.address, mac, 'a lower one came');
  ip(stage.ns, 'link', 'del', tap('1'));
  assert.equal(ipLink(stage.ns, brq('a'))?.address, mac, 'its own went');
  assert.deepEqual(stage.pass({ ...rows, ports: portsOf('1', '2') }).operations, []);
});

test('a flat bridge takes its uplink’s accept_ra, autoconf and forwarding', (t) => {
  const stage = makeStage(t, [makeTap('1')]);
  const settings = { accept_ra: '2', autoconf: '0', forwarding: '1', disable_ipv6: '0' };
  for (const [name, value] of Object.entries(settings))
    writeFileSync(`/proc/sys/net/ipv6/conf/eth1/${name}`, value);
  stage.pass({ ports: portsOf('1'), networks: [network('a', 'flat physnet1')] });
  const seen = Object.keys(settings).map((name) => [name, sysctlOf(brq('a'), name)]);
  assert.deepEqual(Object.fromEntries(seen), settings);
});

test('IPv6 is off on bridge and tap before they come up: neither has ever had a link-local address', async (t) => {
  const stage = makeStage(t, [makeTap('1')]);
  const witness = await startQuietWitness(t, stage.ns);
  stage.pass({ ports: portsOf('1'), networks: [network('a', 'local')] });
  const addresses = (await witness.events()).filter(
    (line) => line.includes('inet6') && (line.includes(tap('1')) || line.includes(brq('a'))),
  );
  assert.deepEqual(addresses, []);
  assert.equal(ipLink(stage.ns, tap('1'))?.master, brq('a'));
});

test('while the uplink of a network changes, its taps see no event', async (t) => {
  const stage = makeStage(t, ['link add eth2 up type veth peer name far2', makeTap('1')], {
    interfaces: ['physnet1:eth1', 'physnet2:eth2'],
  });
  stage.pass({ ports: portsOf('1'), networks: [network('a', 'flat physnet1')] });
  const witness = await startQuietWitness(t, stage.ns);
  const { operations } = stage.pass({ ports: portsOf('1'), networks: [network('a', 'flat physnet2')] });
  const uplinks = operations.map(({ device }) => device).filter((device) => device.startsWith('eth'));
  assert.deepEqual(uplinks, ['eth1', 'eth2']);
  assert.deepEqual(
    ['eth1', 'eth2', tap('1')].map((name) => ipLink(stage.ns, name)?.master),
    [undefined, brq('a'), brq('a')],
  );
  await witness.expectNothingOn(tap('1'));
});

test('a pass over a host that is right makes no event', async (t) => {
  const stage = makeStage(t, [makeTap('1'), 'address add 10.1.0.5/24 dev eth1']);
  const rows = { ports: portsOf('1'), networks: [network('a', 'flat physnet1')] };
  stage.pass(rows);
  const witness = await startQuietWitness(t, stage.ns);
  stage.pass(rows);
  assert.deepEqual(await witness.events(), []);
});

test('plan names the routes that matter, not those that the kernel makes with an address', (t) => {
  const stage = makeStage(t, [
    makeTap('1'),
    'address add 10.1.0.5/24 dev eth1',
    'route add default via 10.1.0.1 dev eth1 metric 50',
    'route add 10.9.0.0/16 via 10.1.0.1 dev eth1 table 100',
  ]);
  const { operations } = stage.pass(
    { ports: portsOf('1'), networks: [network('a', 'flat physnet1')] },
    'plan',
  );
  const words = operations.flatMap(commandsOf).filter((line) => line.includes('route'));
  assert.deepEqual(words.sort(), [
    `ip route append 10.9.0.0/16 via 10.1.0.1 dev ${brq('a')} table 100 metric 0`,
    `ip route append default via 10.1.0.1 dev ${brq('a')} table 254 metric 50`,
  ]);
});

test('a renewed lease on the enslaved uplink replaces the old one on the bridge, with its new lifetime', (t) => {
  const address = (lifetime: number) =>
    `address replace 10.1.0.5/24 dev eth1 valid_lft ${lifetime} preferred_lft ${lifetime}`;
  const stage = makeStage(t, [makeTap('1'), address(600), 'route add default via 10.1.0.1 dev eth1']);
  const rows = { ports: portsOf('1'), networks: [network('a', 'flat physnet1')] };
  stage.pass(rows);
  for (const lifetime of [1200, 1800, 2400, 3000, 3600, 4200]) {
    stage.wait(15_000);
    ipBatch(stage.ns, [address(lifetime)]);
    const { warnings } = stage.pass(rows);
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['ADDRESS_LEASED'],
    );
    const [held] = ipJson<{ ifname: string; addr_info: { local: string; valid_life_time: number }[] }>(
      stage.ns,
      '-4',
      'address',
      'show',
      'to',
      '10.1.0.5',
    );
    assert.equal(held?.ifname, brq('a'));
    assert.equal(held.addr_info.length, 1);
    assert.ok(Math.abs((held.addr_info[0]?.valid_life_time ?? 0) - lifetime) < 10);
    assert.match(ip(stage.ns, 'route', 'show', 'default'), new RegExp(`via 10\\.1\\.0\\.1 dev ${brq('a')}`));
  }
});

test('one plan is one list: a host with taps on two networks is wired in one pass', (t) => {
  const stage = makeStage(t, [makeTap('1'), makeTap('2')]);
  const ports = [port('1', 'a'), port('2', 'b')];
  const report = stage.pass({ ports, networks: [network('a', 'local'), network('b', 'flat physnet1')] });
  assert.equal(report.inSync, true);
  assert.deepEqual(
    [tap('1'), tap('2'), 'eth1'].map((name) => ipLink(stage.ns, name)?.master),
    [brq('a'), brq('b'), brq('b')],
  );
});
