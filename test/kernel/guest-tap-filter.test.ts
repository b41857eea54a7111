import { test } from 'node:test';
import { runTestsInGuest } from '../support/host/uml.js';

test('the filter of taps, in a User-mode Linux guest', (t) =>
  runTestsInGuest(t, 'test/kernel/guest/tap-filter.ts'));
