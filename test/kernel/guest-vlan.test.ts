import { test } from 'node:test';
import { runTestsInGuest } from '../support/host/uml.js';

test('VLAN operations, in a User-mode Linux guest', (t) => runTestsInGuest(t, 'test/kernel/guest/vlan.ts'));
