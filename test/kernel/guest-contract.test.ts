import { test } from 'node:test';
import { runTestsInGuest } from '../support/host/uml.js';

test('the contract of VLAN networks, in a User-mode Linux guest', (t) =>
  runTestsInGuest(t, 'test/kernel/guest/contract.ts'));
