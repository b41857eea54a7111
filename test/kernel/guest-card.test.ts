import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ip, makeNamespace, makeTap } from '../support/host/netns.js';
import { runInGuest } from '../support/host/uml.js';

test('a guest’s card is on its outer tap', async (t) => {
  const ns = makeNamespace(t);
  makeTap(ns, 'uml0');
  ip(ns, 'address', 'add', '10.0.0.1/24', 'dev', 'uml0');
  ip(ns, 'link', 'set', 'uml0', 'up');
  // The guest resolves the outer address into a neighbour only when its frames arrive and are answered.
  const script = [
    'ip address add 10.0.0.2/24 dev vec0',
    'ip link set vec0 up',
    'for try in 1 2 3 4 5 6 7 8 9 10; do',
    '  bash -c "echo > /dev/udp/10.0.0.1/9"',
    '  sleep 0.2',
    '  ip neighbour show 10.0.0.1 dev vec0 | grep lladdr && exit 0',
    'done',
    'exit 1',
  ].join('\n');
  const { status, output } = await runInGuest(t, script, { card: { namespace: ns, tap: 'uml0' } });
  assert.equal(status, 0, output);
});
