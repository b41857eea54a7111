import type { Node } from 'typescript/unstable/ast';
import {
  isArrowFunction,
  isBlock,
  isCallExpression,
  isConstructorDeclaration,
  isExpressionStatement,
  isFunctionDeclaration,
  isFunctionExpression,
  isGetAccessorDeclaration,
  isIdentifier,
  isMethodDeclaration,
  isSetAccessorDeclaration,
} from 'typescript/unstable/ast/is';
import { lineOf, type ParsedFile, position } from './syntax.js';

export const FILE_LINES_MAX = 300;
export const FUNCTION_LINES_MAX = 70;

/** Files and functions that are too long to be read in one go, comments and blank lines included. */
export function lengthFindings(file: ParsedFile): string[] {
  const { text } = file.source;
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  const tooLong =
    lines > FILE_LINES_MAX
      ? [`${file.path} has ${lines} lines, ${FILE_LINES_MAX} at most: split it by subject.`]
      : [];
  return [...tooLong, ...file.nodes.filter(isFunction).flatMap((node) => functionFindings(file, node))];
}

function functionFindings(file: ParsedFile, node: Node): string[] {
  const lines = lineOf(file, node.end) - lineOf(file, node.getStart(file.source)) + 1;
  if (lines <= FUNCTION_LINES_MAX || groupsTests(node)) return [];
  return [
    `${position(file, node)} is a function of ${lines} lines, ${FUNCTION_LINES_MAX} at most: split it by purpose.`,
  ];
}

const isFunction = (node: Node): boolean =>
  isFunctionDeclaration(node) ||
  isFunctionExpression(node) ||
  isArrowFunction(node) ||
  isMethodDeclaration(node) ||
  isConstructorDeclaration(node) ||
  isGetAccessorDeclaration(node) ||
  isSetAccessorDeclaration(node);

const GROUPS = ['describe', 'suite'];
const TESTS = ['test', 'it', ...GROUPS];

/** The callback of `describe`, and a function that registers tests: each test in it has a limit of its own. */
function groupsTests(node: Node): boolean {
  if (callsOneOf(node.parent, GROUPS)) return true;
  let registers = false;
  node.forEachChild((body) => {
    if (isBlock(body)) registers = body.statements.some(registersTest);
  });
  return registers;
}

const registersTest = (statement: Node): boolean =>
  isExpressionStatement(statement) && callsOneOf(statement.expression, TESTS);

const callsOneOf = (node: Node, names: readonly string[]): boolean =>
  isCallExpression(node) && isIdentifier(node.expression) && names.includes(node.expression.text);
