import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FAILURES, WARNINGS } from '../../../src/model/index.js';
import { PREFLIGHT } from '../../../src/model/preflight.js';
import { errorsDocument, metricsDocument } from '../../support/words/documents.js';
import { expositionAfter, FRESH, textfileExposition } from '../../support/words/exposition.js';

const document = (name: string): string =>
  readFileSync(new URL(`../../../etc/${name}`, import.meta.url), 'utf8');

/** Sources apart from the catalogues themselves. */
const SOURCES = fileURLToPath(new URL('../../../src/', import.meta.url));
const CATALOGUES = ['model/warning.ts', 'model/failure.ts', 'model/preflight.ts'];
const sources = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !CATALOGUES.includes(path))
  .map((path) => readFileSync(join(SOURCES, path), 'utf8'))
  .join('\n');

test('etc/ERRORS.md has exactly the codes, causes and remedies of the program', () => {
  assert.equal(document('ERRORS.md'), errorsDocument());
});

test('etc/METRICS.md has exactly the metrics of the program', async () => {
  const daemon = await expositionAfter(FRESH, () => {});
  assert.equal(document('METRICS.md'), metricsDocument(daemon, await textfileExposition()));
});

test('every code of the catalogues is used by the program', () => {
  // Codes of database failures are made from the kind of the failure.
  const codes = [...Object.keys(FAILURES), ...Object.keys(WARNINGS), ...Object.keys(PREFLIGHT)];
  const unused = codes.filter((code) => !code.startsWith('DATABASE_') && !sources.includes(`'${code}'`));
  assert.deepEqual(unused, []);
});

test('no code stands in two catalogues, and every text is a sentence', () => {
  const catalogues = [FAILURES, WARNINGS, PREFLIGHT];
  const codes = catalogues.flatMap((catalogue) => Object.keys(catalogue));
  assert.equal(new Set(codes).size, codes.length);
  for (const { cause, remedy } of catalogues.flatMap((catalogue) => Object.values(catalogue))) {
    for (const text of [cause, remedy]) assert.match(text, /^[A-Za-z].*\.$/s);
  }
});
