import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexPorts, type Match, matchTap } from '../../../src/reconcile/decide/match.js';
import { buildLinks } from '../../support/simulated/host-builder.js';
import { buildPort, type PortWords } from '../../support/simulated/row-builder.js';

function match(name: string, ...words: Partial<PortWords>[]): string {
  const ports = words.map((one) => buildPort({ id: 'p', network: 'n1', ...one }));
  const [tap] = buildLinks([{ name }]);
  const found: Match = tap === undefined ? { kind: 'none' } : matchTap(indexPorts(ports), tap);
  return found.kind === 'one' ? found.port.id : found.kind;
}

const A = '11111111-11aa';
const B = '11111111-11bb';
const TAP = 'tap11111111-11';

test('eleven characters are a prefix', () => {
  assert.equal(match(TAP, { id: A }), A);
});

test('fewer than eleven are a whole id', () => {
  assert.equal(match('tapabc', { id: 'abc' }), 'abc');
  assert.equal(match('tapabc', { id: 'abcd' }), 'none');
});

test('more than eleven match nothing', () => {
  assert.equal(match('tap11111111-11a', { id: A }), 'none');
});

test('of two ports with one prefix the one bound here is meant', () => {
  assert.equal(match(TAP, { id: A, binding: 'elsewhere node-2' }, { id: B }), B);
  assert.equal(match(TAP, { id: A, binding: 'unhosted' }, { id: B, binding: 'arriving' }), B);
});

test('the one without a host is meant when the other is elsewhere', () => {
  assert.equal(match(TAP, { id: A, binding: 'elsewhere node-2' }, { id: B, binding: 'unhosted' }), B);
});

test('the one without a host is not meant when the other may be here', () => {
  assert.equal(
    match(TAP, { id: A, binding: 'other-driver ovs' }, { id: B, binding: 'unhosted' }),
    'ambiguous',
  );
});

test('two bound here, two without hosts and two elsewhere are ambiguous', () => {
  for (const binding of ['here', 'unhosted', 'elsewhere node-2']) {
    assert.equal(match(TAP, { id: A, binding }, { id: B, binding }), 'ambiguous', binding);
  }
});

test('a device name is matched as a whole', () => {
  const gateway = { id: 'e1', device: 'gw-12345678', interfaceId: 'gw-12345678' };
  assert.equal(match('gw-12345678', gateway), 'e1');
  assert.equal(match('gw-1234567', gateway), 'none');
});

test('an Essex tap is named after the interface id, not after the port', () => {
  assert.equal(match(TAP, { id: 'e1', interfaceId: A }), 'e1');
});
