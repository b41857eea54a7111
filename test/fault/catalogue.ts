import { GUEST_FAULTS } from './catalogue/guests.js';
import { HOST_FAULTS } from './catalogue/host.js';
import { NETWORK_FAULTS } from './catalogue/network.js';
import { OLDER_FAULTS } from './catalogue/older.js';
import { ROW_FAULTS } from './catalogue/rows.js';
import { SERVER_FAULTS } from './catalogue/server.js';
import { STRANGER_FAULTS } from './catalogue/strangers.js';
import { WAIT_FAULTS } from './catalogue/waits.js';
import type { Fault } from './fault.js';

/** Every fault that the suite makes happen, in the order of the table in README.md. */
export const CATALOGUE: readonly Fault[] = [
  ...SERVER_FAULTS,
  ...OLDER_FAULTS,
  ...ROW_FAULTS,
  ...NETWORK_FAULTS,
  ...HOST_FAULTS,
  ...STRANGER_FAULTS,
  ...GUEST_FAULTS,
  ...WAIT_FAULTS,
];
