import { test } from 'node:test';
import { runTestsInGuest } from '../support/host/uml.js';

test('guests apart from the host, in a User-mode Linux guest', (t) =>
  runTestsInGuest(t, 'test/kernel/guest/apart.ts'));
