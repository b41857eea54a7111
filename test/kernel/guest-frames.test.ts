import { test } from 'node:test';
import { runTestsInGuest } from '../support/host/uml.js';

test('frames of guests, in a User-mode Linux guest', (t) =>
  runTestsInGuest(t, 'test/kernel/guest/frames.ts'));
