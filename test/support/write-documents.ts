import { writeFileSync } from 'node:fs';
import { errorsDocument, metricsDocument } from './words/documents.js';
import { expositionAfter, FRESH, REPORT, STATUS, textfileExposition } from './words/exposition.js';

/** Writes the documents that are made from the program's own lists, and the exposition that the tests compare with. */
const write = (path: string, text: string): void => writeFileSync(new URL(path, import.meta.url), text);

const fresh = await expositionAfter(FRESH, () => {});
write('../../etc/ERRORS.md', errorsDocument());
write('../../etc/METRICS.md', metricsDocument(fresh, await textfileExposition()));
write(
  '../unit/monitoring/exposition.prom',
  await expositionAfter(STATUS, (tell) => {
    tell({ kind: 'database-lost', error: 'down', errorKind: 'unreachable' });
    tell({ kind: 'database-back', downMs: 1, tries: 1 });
    tell({ kind: 'pass', report: REPORT });
  }),
);
