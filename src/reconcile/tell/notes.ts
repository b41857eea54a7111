import { type Port, WARNINGS, type WarningCode } from '../../model/index.js';

/** What a port asks for and does not get, although it is wired. */
export interface Note {
  readonly text: string;
  /** null: there is nothing to be done about it on this host. */
  readonly remedy: string | null;
  readonly code: WarningCode | null;
}

/** What is to be said about a port beside its chain. `unserved`: what it asks for and does not get, a clause each. */
export const notesOf = ({ filterExpected }: Port, unserved: readonly string[]): readonly Note[] => [
  ...(filterExpected
    ? [note('FIREWALL_NOT_ENFORCED', 'it counts as filtered (port_filter is true), and nothing filters it')]
    : []),
  ...unserved.map((text) => ({ text, remedy: null, code: null })),
];

const note = (code: WarningCode, text: string): Note => ({ code, text, remedy: WARNINGS[code].remedy });
