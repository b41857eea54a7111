import { dirname, join } from 'node:path/posix';
import { moduleUses, type ParsedFile, position } from './syntax.js';

/** What the files of one folder may import besides each other. */
interface Room {
  readonly rooms: readonly string[];
  readonly packages: readonly string[];
  /** `any`: every module of Node that no other rule forbids. */
  readonly node: 'any' | readonly string[];
}

/** Logging is handed in as a value; who hands it on names its type. */
const LOGGING = ['pino', 'pino-pretty'];
const BELOW_COMMANDS = ['agent', 'config', 'database', 'files', 'kernel', 'monitoring', 'reconcile', 'model'];

/**
 * Imports go one way: commands -> agent -> database, kernel, reconcile, monitoring -> model. Settings travel
 * as values, so that `config` is known to the commands alone.
 */
const ROOMS: Readonly<Record<string, Room>> = {
  'src/cli.ts': { rooms: ['commands', ...BELOW_COMMANDS], packages: ['commander', ...LOGGING], node: 'any' },
  'src/commands': { rooms: BELOW_COMMANDS, packages: ['commander', ...LOGGING, 'valibot'], node: 'any' },
  'src/agent': {
    rooms: ['database', 'files', 'kernel', 'reconcile', 'monitoring', 'model'],
    packages: [...LOGGING, 'valibot'],
    node: 'any',
  },
  'src/config': { rooms: ['files', 'model'], packages: ['convict'], node: 'any' },
  'src/database': {
    rooms: ['files', 'model'],
    packages: ['knex', 'pg', 'mysql2', ...LOGGING, 'valibot'],
    node: 'any',
  },
  'src/files': { rooms: [], packages: [], node: ['node:fs', 'node:path'] },
  'src/kernel': { rooms: ['model'], packages: ['koffi', ...LOGGING], node: 'any' },
  'src/monitoring': { rooms: ['files', 'model'], packages: ['prom-client', ...LOGGING], node: 'any' },
  'src/reconcile': { rooms: ['model'], packages: [], node: [] },
  'src/model': { rooms: [], packages: [], node: ['node:crypto'] },
  migrations: { rooms: [], packages: ['knex'], node: 'any' },
};

/** The rooms of `reconcile` as an answer flows through them: each may use those before it. */
const FLOW = ['see', 'forwarding', 'decide', 'plan', 'guard', 'remember', 'tell'];

/** One sentence for each import that goes the wrong way. Files outside src/ and migrations/ are free. */
export function importFindings(file: ParsedFile): string[] {
  const name = roomOf(file.path);
  if (name === null) return [];
  const room = ROOMS[name];
  if (room === undefined)
    return [`${file.path} is in no folder of the layout; move it to one of ${folders()}.`];
  return moduleUses(file).flatMap(({ specifier, node }) => {
    const problem = specifier.startsWith('.')
      ? relativeProblem(file.path, name, room, specifier)
      : moduleProblem(name, room, specifier);
    return problem === null ? [] : [`${position(file, node)} imports ${specifier}: ${problem}.`];
  });
}

/** The key of `ROOMS` a path belongs to; null: no rule concerns it. */
function roomOf(path: string): string | null {
  const [top, second] = path.split('/');
  if (top === 'migrations') return top;
  return top === 'src' ? `src/${second}` : null;
}

const folders = (): string => Object.keys(ROOMS).join(', ');

function relativeProblem(path: string, name: string, room: Room, specifier: string): string | null {
  if (!specifier.endsWith('.js')) return 'a relative import ends in .js, as Node resolves it';
  const file = join(dirname(path), specifier).replace(/\.js$/, '.ts');
  const target = roomOf(file);
  if (target === null) return `${name} uses nothing outside src; move what it needs into src/model or below`;
  if (target === 'src/reconcile' && stepOf(file) > stepOf(path))
    return `${file} is a later step of the straight line (${FLOW.join(', ')})`;
  if (target === name || room.rooms.includes(target.replace('src/', ''))) return null;
  return `${name} may use ${list(room.rooms, 'nothing else of src')}; hand it in as a value from above, or move it to src/model`;
}

/** Where a file stands in the flow; what is in none of its rooms stands above them all. */
function stepOf(path: string): number {
  const [, layer, room = ''] = path.split('/');
  const step = layer === 'reconcile' ? FLOW.indexOf(room) : -1;
  return step < 0 ? FLOW.length : step;
}

function moduleProblem(name: string, room: Room, specifier: string): string | null {
  if (specifier.startsWith('node:')) {
    if (room.node === 'any' || room.node.includes(specifier)) return null;
    return `${name} is pure and may use ${list(room.node, 'no module of Node')}; hand the value in from above`;
  }
  const packageName = specifier.split('/')[0] ?? specifier;
  if (room.packages.includes(packageName)) return null;
  return `${name} may use ${list(room.packages, 'no package')}; modules of Node are written with node:`;
}

const list = (names: readonly string[], none: string): string =>
  names.length === 0 ? none : names.join(', ');
