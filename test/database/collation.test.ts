import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { Database } from '../../src/model/database.js';
import { suffixMatches } from '../../src/model/names.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import { literal } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';

/**
 * Prefixes of 11 characters, each with continuations that collations sort differently: before and behind
 * letters, nothing at all, a doubled letter, case.
 */
const PREFIXES = [
  '0a1b2c3d-4e',
  '0a1b2c3d-4a',
  'aaaaaaaa-aa',
  'ffffffff-ff',
  'zzzzzzzzzzz',
  'my-own-port',
  'a----------',
];
const TAILS = [
  '',
  '-',
  '--',
  '0',
  '9',
  'a',
  'aa',
  'A',
  'e',
  'f',
  'Z',
  'z',
  'zz',
  '_',
  '~',
  '{x',
  '.',
  '5f-4000-8000-1',
  'aff-4000',
];
/** Near misses on both sides of every range. */
const OTHERS = [
  '0a1b2c3d-4',
  '0a1b2c3d-4d',
  '0a1b2c3d-4f',
  '0A1B2C3D-4Eff',
  '0a1b2c3d4e',
  'aaaaaaaa-ab',
  'zzzzzzzzzz',
  'b',
];
const IDS = [...PREFIXES.flatMap((prefix) => TAILS.map((tail) => prefix + tail)), ...OTHERS];

const COLLATIONS = {
  PostgreSQL: [
    `template template0 lc_collate 'C' lc_ctype 'C'`,
    `template template0 locale_provider icu icu_locale 'en-US'`,
    `template template0 locale_provider icu icu_locale 'en-US-u-ka-shifted'`,
    `template template0 locale_provider icu icu_locale 'da-DK'`,
    `template template0 locale_provider icu icu_locale 'cy-GB'`,
  ],
  MariaDB: [
    'character set latin1 collate latin1_swedish_ci',
    'character set utf8mb3 collate utf8mb3_general_ci',
    'character set utf8mb4 collate utf8mb4_bin',
    'character set utf8mb4 collate utf8mb4_unicode_ci',
    'character set utf8mb4 collate utf8mb4_danish_ci',
  ],
  MySQL: [
    'character set latin1 collate latin1_swedish_ci',
    'character set utf8mb3 collate utf8mb3_general_ci',
    'character set utf8mb4 collate utf8mb4_0900_ai_ci',
    'character set utf8mb4 collate utf8mb4_0900_as_cs',
    'character set utf8mb4 collate utf8mb4_da_0900_ai_ci',
  ],
} as const;

for (const engine of ENGINES) {
  describe(`ids by prefix under any collation of ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    for (const collation of COLLATIONS[engine.name]) {
      it(`finds exactly the ids that begin so: ${collation}`, async () => {
        const { database, settings } = await freshDatabase(server, 'folsom', collation);
        // Several differ only in case; a case-insensitive primary key would refuse the second.
        const key = engine.name !== 'PostgreSQL' ? 'insert ignore' : 'insert';
        const rows = IDS.map((id) => `(${literal(id)}, 'n', true, 'DOWN')`).join(', ');
        await server.query(
          `${key} into ports (id, network_id, admin_state_up, status) values ${rows}`,
          database,
        );
        const there = (await server.query('select id from ports', database)).map(({ id }) => String(id));
        const agent = openDatabase(settings);
        for (const suffix of PREFIXES) {
          const wanted = there.filter((id) => suffixMatches(suffix, id)).sort();
          assert.deepEqual(await idsFor(agent, suffix), wanted, suffix);
          assert.ok(wanted.length > 10);
        }
        await agent.close();
      });
    }
  });
}

async function idsFor(agent: Database, suffix: string): Promise<readonly string[]> {
  const { ports } = await agent.read({ taps: [{ by: 'suffix', suffix, wired: false }], bridges: [] });
  return ports.map(({ id }) => `${id}`).sort();
}
