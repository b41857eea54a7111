import type { SchemaDescription, TableDescription } from '../database/generations/detect.js';
import { inspectDatabase } from '../database/inspect.js';
import { EXIT, type ExitCode } from '../model/exit-codes.js';
import { withFailures } from './edges.js';
import type { Invocation } from './invocation.js';

/**
 * Shows the generation of the database and each table and column that it needs, with its type. Exit code 0
 * when all is there, 78 when the agent cannot work on it, 75 when the database cannot be reached.
 */
export function schemaCheck({ loaded, json, output }: Invocation): Promise<ExitCode> {
  return withFailures(output, async () => {
    const { endpoint, schema } = await inspectDatabase(loaded.settings.database);
    if (json) output.print(JSON.stringify({ database: endpoint, ...schema }, null, 2));
    else output.print([endpoint, ...schemaLines(schema)].join('\n'));
    return isComplete(schema) ? EXIT.ok : EXIT.misconfigured;
  });
}

const isComplete = ({ generation, tables }: SchemaDescription): boolean =>
  generation !== null && tables.every(({ columns }) => columns.every(({ type }) => type !== null));

function schemaLines({ generation, sought, tables, found }: SchemaDescription): readonly string[] {
  if (generation === null) {
    return [
      'No known generation.',
      `Looked for: ${sought}`,
      `Found: ${found.join(', ') || 'none of the tables'}`,
    ];
  }
  return [`Generation: ${generation}`, ...tables.flatMap(tableLines)];
}

const tableLines = ({ table, columns }: TableDescription): readonly string[] => [
  table,
  ...columns.map(({ name, type }) => `  ${name.padEnd(20)} ${type ?? 'NOT FOUND'}`),
];
