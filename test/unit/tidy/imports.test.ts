import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importFindings } from './import-rules.js';
import { assertNone, projectFiles, typescriptFiles } from './repository.js';
import { parse } from './syntax.js';

const findings = (path: string, text: string): string[] =>
  parse(new Map([[path, text]])).flatMap(importFindings);

/** Path, text, and what the one finding says; null: there is none. */
const SAMPLES: readonly [path: string, text: string, expected: RegExp | null][] = [
  ['src/agent/poll.ts', "import { plan } from '../reconcile/plan.js';", null],
  [
    'src/agent/pass.ts',
    "import { once } from '../commands/once.js';",
    /src\/agent may use .*hand it in as a value/,
  ],
  ['src/agent/pass.ts', "import { load } from '../config/load.js';", /src\/agent may use/],
  ['src/database/a.ts', "import { read } from '../kernel/read.js';", /src\/database may use files, model/],
  ['src/kernel/a.ts', "import { read } from '../database/read.js';", /src\/kernel may use model/],
  ['src/kernel/a.ts', "import { frame } from './frame.js';", null],
  ['src/kernel/deep/a.ts', "import { frame } from '../frame.js';", null],
  ['src/kernel/deep/a.ts', "import { tapName } from '../../model/names.js';", null],
  [
    'src/config/a.ts',
    "import { connect } from '../database/connect.js';",
    /src\/config may use files, model/,
  ],
  ['src/model/a.ts', "import { plan } from '../reconcile/plan.js';", /may use nothing else of src/],
  ['src/model/a.ts', "import { createHash } from 'node:crypto';", null],
  ['src/model/a.ts', "import { readFileSync } from 'node:fs';", /is pure and may use node:crypto/],
  ['src/model/a.ts', "import pg from 'pg';", /may use no package/],
  [
    'src/reconcile/a.ts',
    "import { createHash } from 'node:crypto';",
    /is pure and may use no module of Node/,
  ],
  ['src/reconcile/plan/a.ts', "import { view } from '../see/view.js';", null],
  ['src/reconcile/see/a.ts', "import { plan } from '../plan/plan.js';", /later step of the straight line/],
  ['src/reconcile/see/a.ts', "import { pass } from '../pass.js';", /later step of the straight line/],
  ['src/agent/a.ts', "import knex from 'knex';", /src\/agent may use pino/],
  ['src/agent/a.ts', "import { readFileSync } from 'fs';", /written with node:/],
  ['src/cli.ts', "import { run } from './commands/run.js';", null],
  ['src/commands/run.ts', "import { main } from '../cli.js';", /src\/commands may use/],
  ['src/agent/a.ts', "import { plan } from '../reconcile/plan.ts';", /ends in \.js/],
  ['src/agent/a.ts', "import { start } from '../../test/support/start.js';", /uses nothing outside src/],
  ['src/strange/a.ts', 'export {};', /is in no folder of the layout/],
  ['src/kernel/a.ts', "export { read } from '../database/read.js';", /src\/kernel may use model/],
  ['src/kernel/a.ts', "const read = await import('../database/read.js');", /src\/kernel may use model/],
  ['src/kernel/a.ts', "type Read = import('../database/read.js').Read;", /src\/kernel may use model/],
  ['src/kernel/a.ts', "import type { Read } from '../database/read.js';", /src\/kernel may use model/],
  ['migrations/1.ts', "import type { Knex } from 'knex';", null],
  ['test/kernel/a.test.ts', "import knex from 'knex';", null],
];

for (const [path, text, expected] of SAMPLES) {
  test(`the rule ${expected === null ? 'allows' : 'finds'} ${text} in ${path}`, () => {
    const found = findings(path, text);
    assert.equal(found.length, expected === null ? 0 : 1, found.join('\n'));
    if (expected !== null) assert.match(found[0] ?? '', expected);
  });
}

test('imports go one way', () => {
  assertNone(parse(typescriptFiles(projectFiles())).flatMap(importFindings));
});
