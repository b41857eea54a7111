import { after, describe, test } from 'node:test';
import type { EngineName } from '../support/databases/engines.js';
import { ENGINES } from '../support/databases/engines.js';
import { onSmallDisk } from '../support/databases/small-disk.js';
import { withDatabase } from '../support/host/host.js';
import { CATALOGUE } from './catalogue.js';
import type { Fault } from './fault.js';
import { assertUnharmed, makeStage } from './stage.js';
import { type Measured, writeColumn } from './table.js';

/** Room for two copies of an empty server and what a catalogue of faults writes. */
const DISK_MEBIBYTES = 700;

/** Makes every fault happen that concerns this engine; a file for each engine, so that they run beside each other. */
export function describeCatalogue(engine: EngineName): void {
  const start = ENGINES.find(({ name }) => name === engine)?.start;
  if (start === undefined) throw new Error(`there is no engine ${engine}`);
  const measured = new Map<Fault, Measured>();
  describe(`faults on ${engine}`, () => {
    withDatabase(
      () => onSmallDisk(DISK_MEBIBYTES, () => start()),
      'grizzly',
      (database) => {
        for (const fault of CATALOGUE.filter(({ engines }) => engines.includes(engine))) {
          test(fault.name, async (t) => {
            const stage = await makeStage(t, database(), () => start(), fault.manners);
            const end = await fault.strike(stage);
            try {
              await fault.expect(stage);
            } finally {
              await end();
            }
            const ended = performance.now();
            await fault.serves(stage);
            const recoveredMs = performance.now() - ended;
            measured.set(fault, { recoveredMs, ...(await assertUnharmed(stage, fault.touches)) });
          });
        }
      },
    );
  });
  after(() => {
    if (process.env.UPDATE_DOCS === '1') writeColumn(CATALOGUE, engine, measured);
  });
}
