import {
  type Node,
  type NoSubstitutionTemplateLiteral,
  type SourceFile,
  type StringLiteral,
  SyntaxKind,
} from 'typescript/unstable/ast';
import {
  isCallExpression,
  isIdentifier,
  isImportTypeNode,
  isLiteralTypeNode,
  isNoSubstitutionTemplateLiteral,
  isStringLiteral,
} from 'typescript/unstable/ast/is';
import { createVirtualFileSystem } from 'typescript/unstable/fs';
import { API } from 'typescript/unstable/sync';
import type { Files } from './repository.js';

/** One TypeScript file as the compiler's own parser reads it. */
export interface ParsedFile {
  readonly path: string;
  readonly source: SourceFile;
  /** Every node, in the order of the text. */
  readonly nodes: readonly Node[];
}

/** Where the files seem to lie; nothing is read from the disk. */
const ROOT = '/parsed';

/** Parses files, all in one run of the compiler. No types are checked and no import is followed. */
export function parse(files: Files): ParsedFile[] {
  const config = { compilerOptions: { noLib: true, noResolve: true, types: [] }, files: [...files.keys()] };
  const entries = [...files].map(([path, text]): [string, string] => [`${ROOT}/${path}`, text]);
  const configFile = `${ROOT}/tsconfig.json`;
  const fs = createVirtualFileSystem({
    ...Object.fromEntries(entries),
    [configFile]: JSON.stringify(config),
  });
  const api = new API({ cwd: ROOT, fs });
  try {
    const project = api.updateSnapshot({ openProjects: [configFile] }).getProject(configFile);
    return [...files.keys()].map((path) => {
      const source = project?.program.getSourceFile(`${ROOT}/${path}`);
      if (source === undefined) throw new Error(`The compiler did not parse ${path}.`);
      return { path, source, nodes: descendants(source) };
    });
  } finally {
    api.close();
  }
}

function descendants(node: Node): Node[] {
  const children: Node[] = [];
  node.forEachChild((child) => {
    children.push(child, ...descendants(child));
  });
  return children;
}

/** `src/agent/pass.ts:12`: 1-based, as editors count. */
export function position(file: ParsedFile, node: Node): string {
  return `${file.path}:${lineOf(file, node.getStart(file.source)) + 1}`;
}

/** 0-based line of a position in the text. */
export const lineOf = (file: ParsedFile, at: number): number =>
  file.source.getLineAndCharacterOfPosition(at).line;

/** A module named by a file, in any way that TypeScript has: `import`, `export from`, `import()`, `import('…')` types. */
export interface ModuleUse {
  readonly specifier: string;
  readonly node: Node;
}

export function moduleUses(file: ParsedFile): ModuleUse[] {
  return file.nodes.flatMap((node) =>
    isText(node) && namesModule(node) ? [{ specifier: node.text, node }] : [],
  );
}

/** A string in quotes or in backticks without `${`. */
const isText = (node: Node): node is StringLiteral | NoSubstitutionTemplateLiteral =>
  isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node);

function namesModule(node: Node): boolean {
  const { parent } = node;
  if (isLiteralTypeNode(parent)) return isImportTypeNode(parent.parent);
  if (isCallExpression(parent)) {
    const { expression } = parent;
    return (
      expression.kind === SyntaxKind.ImportKeyword ||
      (isIdentifier(expression) && expression.text === 'require')
    );
  }
  return [
    SyntaxKind.ImportDeclaration,
    SyntaxKind.ExportDeclaration,
    SyntaxKind.ExternalModuleReference,
  ].includes(parent.kind);
}
