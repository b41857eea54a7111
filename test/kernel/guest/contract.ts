import { testCase } from '../contract/case.js';
import { VLAN_CASES, VLAN_CHANGE_CASES } from '../contract/vlans.js';

/** The lines of the contract that need VLANs; started by test/kernel/guest-contract.test.ts in a guest. */
for (const one of [...VLAN_CASES, ...VLAN_CHANGE_CASES]) testCase(one);
