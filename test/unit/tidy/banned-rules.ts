import { type Node, SyntaxKind } from 'typescript/unstable/ast';
import {
  isBindingElement,
  isCallExpression,
  isIdentifier,
  isImportDeclaration,
  isNamedImports,
  isNewExpression,
  isNonNullExpression,
  isObjectBindingPattern,
  isStringLiteral,
  isVariableDeclaration,
} from 'typescript/unstable/ast/is';
import { memberAccess, moduleUses, type ParsedFile, position } from './syntax.js';

/** Where a rule does not hold, each with its reason. */
type Exceptions = Readonly<Record<string, string>>;

const CLOCK: Exceptions = { 'src/agent/clock.ts': 'the one place where time is read and waited for' };
const TIMERS: Exceptions = {
  ...CLOCK,
  'src/database/limit.ts':
    'drivers leave the limit on a whole query to their users, also where no agent runs',
};
const ENVIRONMENT: Exceptions = { 'src/config/': 'settings are read there and handed on as values' };
const NOWHERE: Exceptions = {};

/** One thing that src may not use. */
interface Ban {
  readonly what: string;
  readonly instead: string;
  readonly except: Exceptions;
  /** Paths the ban is about; all of src when absent. */
  readonly only?: readonly string[];
  readonly found: (node: Node) => boolean;
}

const PURE = ['src/model/', 'src/reconcile/'];
const useClock = 'take the Clock that is handed in';

const BANS: readonly Ban[] = [
  {
    what: 'console',
    instead: 'print through Output, or log through the logger handed in',
    except: NOWHERE,
    found: member('console'),
  },
  {
    what: 'process.env',
    instead: 'make it a setting in src/config and hand on its value',
    except: ENVIRONMENT,
    found: member('process', 'env'),
  },
  {
    what: 'process',
    instead: 'a pure function takes what it needs as an argument',
    except: NOWHERE,
    only: PURE,
    found: member('process'),
  },
  {
    what: 'Math.random',
    instead: 'a pure function gives the same answer twice',
    except: NOWHERE,
    only: PURE,
    found: member('Math', 'random'),
  },
  { what: 'Date.now', instead: useClock, except: CLOCK, found: member('Date', 'now') },
  { what: 'new Date() or Date()', instead: useClock, except: CLOCK, found: readsDate },
  { what: 'performance.now', instead: useClock, except: CLOCK, found: member('performance', 'now') },
  { what: 'process.hrtime', instead: useClock, except: CLOCK, found: member('process', 'hrtime') },
  {
    what: 'setInterval',
    instead: 'arm Clock.after again when the work has ended, so that runs never overlap',
    except: NOWHERE,
    found: calls('setInterval'),
  },
  { what: 'setTimeout', instead: 'take Clock.after', except: TIMERS, found: calls('setTimeout') },
  {
    what: 'AbortSignal.timeout',
    instead: 'take Clock.after',
    except: TIMERS,
    found: member('AbortSignal', 'timeout'),
  },
  { what: 'eval', instead: 'write the code down', except: NOWHERE, found: calls('eval') },
  { what: 'Function', instead: 'write the code down', except: NOWHERE, found: calls('Function') },
  {
    what: 'any',
    instead: 'take unknown and narrow it, or name the type',
    except: NOWHERE,
    found: (node) => node.kind === SyntaxKind.AnyKeyword,
  },
  {
    what: '! (non-null)',
    instead: 'handle the missing value, or narrow the type',
    except: NOWHERE,
    found: isNonNullExpression,
  },
];

const BANNED_MODULES: Readonly<Record<string, { instead: string; except: Exceptions }>> = {
  child_process: {
    instead: 'src/kernel speaks to the kernel itself; the agent starts no process',
    except: NOWHERE,
  },
  cluster: { instead: 'the agent is one process', except: NOWHERE },
  timers: { instead: 'take Clock.after', except: TIMERS },
  'timers/promises': { instead: 'take Clock.after', except: TIMERS },
  perf_hooks: { instead: useClock, except: CLOCK },
};

/** One sentence for each use of what src may not use, with what to write instead. */
export function bannedFindings(file: ParsedFile): string[] {
  if (!file.path.startsWith('src/')) return [];
  const modules = moduleUses(file).flatMap(({ specifier, node }) => {
    const ban = BANNED_MODULES[specifier.replace(/^node:/, '')];
    if (ban === undefined || isExcepted(file.path, ban.except)) return [];
    return [`${position(file, node)} imports ${specifier}: ${ban.instead}.`];
  });
  const uses = BANS.filter((ban) => concerns(ban, file.path)).flatMap((ban) =>
    file.nodes.filter(ban.found).map((node) => `${position(file, node)} uses ${ban.what}: ${ban.instead}.`),
  );
  return [...modules, ...uses, ...silencedFindings(file)];
}

/** A comment that switches the compiler off for what follows. */
function silencedFindings(file: ParsedFile): string[] {
  return file.source.text
    .split('\n')
    .flatMap((line, index) =>
      /@ts-(?:ignore|nocheck)/.test(line)
        ? [`${file.path}:${index + 1} silences the compiler: repair the types.`]
        : [],
    );
}

const concerns = (ban: Ban, path: string): boolean =>
  !isExcepted(path, ban.except) &&
  (ban.only === undefined || ban.only.some((folder) => path.startsWith(folder)));

const isExcepted = (path: string, except: Exceptions): boolean =>
  Object.keys(except).some(
    (allowed) => path === allowed || (allowed.endsWith('/') && path.startsWith(allowed)),
  );

/** `object.name` however it is written, taken apart (`const { env } = process`) or imported (`node:process`). */
function member(object: string, name?: string): (node: Node) => boolean {
  const isName = (found: string): boolean => name === undefined || found === name;
  return (node) => {
    const access = memberAccess(node);
    if (access !== null) return access.object === object && isName(access.member);
    return takenApart(node, object).some(isName) || importedFrom(node, `node:${object}`).some(isName);
  };
}

function takenApart(node: Node, object: string): string[] {
  if (!isVariableDeclaration(node) || !isObjectBindingPattern(node.name)) return [];
  if (node.initializer === undefined || !isIdentifier(node.initializer) || node.initializer.text !== object)
    return [];
  return node.name.elements.flatMap((element) => {
    if (!isBindingElement(element)) return [];
    const key = element.propertyName ?? element.name;
    return key !== undefined && isIdentifier(key) ? [key.text] : [];
  });
}

function importedFrom(node: Node, module: string): string[] {
  if (!isImportDeclaration(node) || !isStringLiteral(node.moduleSpecifier)) return [];
  if (node.moduleSpecifier.text !== module) return [];
  const bindings = node.importClause?.namedBindings;
  if (bindings === undefined || !isNamedImports(bindings)) return [];
  return bindings.elements.map((element) => (element.propertyName ?? element.name).text);
}

/** A call of a global function, also by `new` and by `globalThis.`. */
function calls(name: string): (node: Node) => boolean {
  return (node) => {
    if (!isCallExpression(node) && !isNewExpression(node)) return false;
    if (isIdentifier(node.expression)) return node.expression.text === name;
    const access = memberAccess(node.expression);
    return access?.object === 'globalThis' && access.member === name;
  };
}

/** With an argument a date is a matter of computing; without one it is the clock. */
function readsDate(node: Node): boolean {
  return (
    calls('Date')(node) &&
    (isCallExpression(node) || (isNewExpression(node) && (node.arguments ?? []).length === 0))
  );
}
