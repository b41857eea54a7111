import type { Node } from 'typescript/unstable/ast';
import {
  isCallExpression,
  isIdentifier,
  isObjectLiteralExpression,
  isPropertyAssignment,
  isShorthandPropertyAssignment,
} from 'typescript/unstable/ast/is';
import { memberAccess, type ParsedFile, position } from './syntax.js';

const MARKS = ['skip', 'only', 'todo'];
const RUNNERS = ['test', 'it', 'describe', 'suite'];
/** The names that a test gives to its context. */
const CONTEXTS = ['t', 'context', 'ctx'];

/** Tests that are marked so that they, or the others, do not run. */
export function testMarkFindings(file: ParsedFile): string[] {
  if (!file.path.startsWith('test/')) return [];
  return file.nodes.flatMap((node) => {
    const mark = memberMark(node) ?? optionMark(node);
    if (mark === null) return [];
    return [
      `${position(file, node)} marks a test ${mark}: make it run, delete it, or state what the suite needs in test/runner/suites.ts.`,
    ];
  });
}

function memberMark(node: Node): string | null {
  const access = memberAccess(node);
  if (access === null || ![...RUNNERS, ...CONTEXTS].includes(access.object)) return null;
  return MARKS.includes(access.member) ? access.member : null;
}

/** `test('…', { skip: true }, …)`. */
function optionMark(node: Node): string | null {
  if (!isCallExpression(node) || !isIdentifier(node.expression) || !RUNNERS.includes(node.expression.text))
    return null;
  const keys = node.arguments
    .filter(isObjectLiteralExpression)
    .flatMap((options) => options.properties.map(keyOf));
  return MARKS.find((mark) => keys.includes(mark)) ?? null;
}

function keyOf(property: Node): string {
  const named = isPropertyAssignment(property) || isShorthandPropertyAssignment(property);
  return named && isIdentifier(property.name) ? property.name.text : '';
}

/** Test files that no suite runs, so that they would never fail. */
export function orphanTestFindings(paths: readonly string[], suites: readonly string[]): string[] {
  return paths
    .filter((path) => path.endsWith('.test.ts'))
    .filter((path) => !suites.some((suite) => path.startsWith(`test/${suite}/`)))
    .map(
      (path) =>
        `${path} is in no suite and never runs: move it to one of ${suites.map((s) => `test/${s}`).join(', ')}.`,
    );
}
