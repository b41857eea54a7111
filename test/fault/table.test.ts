import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CATALOGUE } from './catalogue.js';
import { listedFaults } from './table.js';

test('the table in README.md lists exactly the faults of the catalogue, in its order', () => {
  assert.deepEqual(
    listedFaults(),
    CATALOGUE.map(({ name }) => name),
  );
});
