import { after, describe, test } from 'node:test';
import { TWO_ENGINES } from '../support/databases/engines.js';
import { onSmallDisk } from '../support/databases/small-disk.js';
import { withDatabase } from '../support/host/host.js';
import { CATALOGUE } from './catalogue.js';
import type { EngineName, Fault } from './fault.js';
import { assertUnharmed, makeStage } from './stage.js';
import { type Measured, writeTable } from './table.js';

/** Room for two copies of an empty server and what a catalogue of faults writes. */
const DISK_MEBIBYTES = 700;

const measured = new Map<Fault, Measured[]>();

for (const { name, start } of TWO_ENGINES) {
  describe(`faults on ${name}`, () => {
    withDatabase(
      () => onSmallDisk(DISK_MEBIBYTES, () => start()),
      'grizzly',
      (database) => {
        for (const fault of CATALOGUE.filter(({ engines }) => engines.includes(name))) {
          test(fault.name, async (t) => {
            const stage = await makeStage(t, database(), fault.manners);
            const end = await fault.strike(stage);
            try {
              await fault.expect(stage);
            } finally {
              await end();
            }
            const ended = performance.now();
            await fault.serves(stage);
            const recoveredMs = performance.now() - ended;
            const { sent, lost, events } = await assertUnharmed(stage, fault.touches);
            note(fault, { engine: name, recoveredMs, sent, lost, events });
          });
        }
      },
    );
  });
}

function note(fault: Fault, one: Measured & { readonly engine: EngineName }): void {
  measured.set(fault, [...(measured.get(fault) ?? []), one]);
}

after(() => {
  if (process.env.UPDATE_DOCS === '1') writeTable(CATALOGUE, measured);
});
