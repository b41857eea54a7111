import { describe } from 'node:test';
import { BRIDGE_CASES, DRIFT_CASES, FOREIGN_CASES, GUARD_CASES } from './bridges.js';
import { testCase } from './case.js';
import { CHANGE_CASES, OBSTACLE_CASES } from './segments.js';
import { TAP_CASES } from './taps.js';

/** Lines that need VLANs are in a guest: see test/kernel/guest/contract.ts. */
describe('the contract: what each tap gets', () => TAP_CASES.forEach(testCase));
describe('the contract: networks that cannot be realised', () => OBSTACLE_CASES.forEach(testCase));
describe('the contract: networks that change or go', () => CHANGE_CASES.forEach(testCase));
describe('the contract: bridges, uplinks and addresses', () => BRIDGE_CASES.forEach(testCase));
describe('the contract: drift', () => DRIFT_CASES.forEach(testCase));
describe('the contract: what is not the agent’s', () => FOREIGN_CASES.forEach(testCase));
describe('the contract: the guard', () => GUARD_CASES.forEach(testCase));
