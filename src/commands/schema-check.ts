import type { SchemaDescription, TableDescription } from '../database/generations/detect.js';
import { type Details, type FoundRows, type Inspection, inspectDatabase } from '../database/inspect.js';
import { EXIT, type ExitCode } from '../model/exit-codes.js';
import { jsonOf, visible } from '../model/visible.js';
import type { Invocation } from './invocation.js';
import { withFailures } from './open-parts.js';

/**
 * Shows the generation of the database, each table and column that it needs with its type, each right, the
 * indexes that help, and rows that will cause trouble with the statement that shows them. Exit code 0 without
 * a finding, 1 with one, 78 when the agent cannot work on this schema, 75 when the database cannot be reached.
 */
export function schemaCheck({ loaded, json, output }: Invocation): Promise<ExitCode> {
  return withFailures(output, async () => {
    const { database, host } = loaded.settings;
    const knownNetworks = [...host.physicalInterfaces.keys(), ...host.bridgeMappings.keys()];
    const inspected = await inspectDatabase(database, knownNetworks);
    const { endpoint, schema, details } = inspected;
    if (json) output.print(jsonOf({ database: endpoint, ...schema, ...details }, 2));
    else output.print(asText(visible(inspected)));
    if (details === null) return EXIT.misconfigured;
    return isClean(details) ? EXIT.ok : EXIT.failed;
  });
}

const asText = ({ endpoint, schema, details }: Inspection): string =>
  [endpoint, ...schemaLines(schema), ...(details ? detailLines(details) : [])].join('\n');

const isClean = ({ rights, torn, indexes, troubles }: Details): boolean =>
  torn.length === 0 &&
  rights.every(({ held, needed }) => held || !needed) &&
  indexes.every(({ there }) => there) &&
  troubles.length === 0;

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

function detailLines({
  views,
  torn,
  rights,
  indexes,
  collation,
  troubles,
  unserved,
}: Details): readonly string[] {
  return [
    ...(views.length === 0 ? [] : [`Views: ${views.join(', ')} (not every view can be written through)`]),
    ...torn.map(
      ({ table, engine }) =>
        `Table ${table} has no transactions (${engine}): a poll may read half of a change. Convert it to InnoDB.`,
    ),
    'Rights',
    ...rights.map(
      ({ right, held, needed }) =>
        `  ${right}: ${held ? 'held' : needed ? 'NOT HELD' : 'not held; done without'}`,
    ),
    'Indexes',
    ...indexes.map(
      ({ table, column, there, remedy }) =>
        `  ${table} (${column}): ${there ? 'there' : 'NOT THERE'}${there || remedy === undefined ? '' : `; ${remedy}`}`,
    ),
    `Collation: ${collation}`,
    troubles.length === 0 ? 'No row that will cause trouble.' : 'Rows that will cause trouble',
    ...troubles.map(rowsLine),
    ...(unserved.length === 0 ? [] : ['Asked for and not served']),
    ...unserved.map(rowsLine),
  ];
}

const rowsLine = ({ what, rows, statement }: FoundRows): string =>
  rows === null
    ? `  not counted, this account may not read it: ${what}\n    ${statement};`
    : `  ${rows} ${what}\n    ${statement};`;
