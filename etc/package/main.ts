import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { secondNode } from '../../test/runner/second-node.js';
import { makeDeb } from './deb.js';
import { makeRpm } from './rpm.js';
import { NAME, type Sources } from './tree.js';

const USAGE = `usage: npm run package [-- [--destination FOLDER] [--maintainer 'NAME <ADDRESS>'] [deb] [rpm]]
Without a kind both are built. The maintainer is whom the packages name; without one it is a placeholder at example.org.
SOURCE_DATE_EPOCH is the time of everything in them; without it that of the last commit.`;
const MAKERS = { deb: makeDeb, rpm: makeRpm } as const;

const project = fileURLToPath(new URL('../../', import.meta.url));

/** The time that everything in a package bears: what the builder says, or that of the last commit. */
function sourceDate(): number {
  const said =
    process.env.SOURCE_DATE_EPOCH ??
    execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: project, encoding: 'utf8' });
  const seconds = Number(said);
  if (!Number.isSafeInteger(seconds) || seconds <= 0)
    throw new Error(`SOURCE_DATE_EPOCH is "${said}": write whole seconds since 1970.`);
  return seconds;
}

async function sources(maintainer: string): Promise<Sources> {
  const node = await secondNode(project);
  if (!node.ok) throw new Error(`There is no Node to ship: ${node.reason}.`);
  const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string };
  if (!/^[^<>\n]+ <[^<>\s]+@[^<>\s]+>$/.test(maintainer))
    throw new Error(`The maintainer is "${maintainer}": write a name, and an address in angle brackets.`);
  return { project, node: dirname(dirname(node.program)), version, maintainer, epoch: sourceDate() };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      destination: { type: 'string', default: '.' },
      maintainer: { type: 'string', default: `${NAME} maintainers <${NAME}@example.org>` },
      help: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const unknown = positionals.find((kind) => !Object.hasOwn(MAKERS, kind));
  if (unknown !== undefined) throw new Error(`There is no package of the kind "${unknown}".\n${USAGE}`);
  const from = await sources(values.maintainer);
  for (const [kind, make] of Object.entries(MAKERS)) {
    if (positionals.length > 0 && !positionals.includes(kind)) continue;
    const work = mkdtempSync(join(tmpdir(), 'package-'));
    try {
      process.stdout.write(`${make(from, work, resolve(values.destination))}\n`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
}

await main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  const remedy = /spawn\w* \S+ ENOENT/.test(message)
    ? '\n  Install dpkg and rpm, or name the one kind that is wanted: deb, rpm.'
    : '';
  process.stderr.write(`${message}${remedy}\n`);
  process.exitCode = 1;
});
