import { type Port, WARNINGS, type WarningCode } from '../../model/index.js';

/** What a port asks for and does not get, although it is wired. */
export interface Note {
  readonly text: string;
  readonly remedy: string;
  readonly code: WarningCode;
}

/** What is to be said about a port beside its chain. */
export const notesOf = ({ filterExpected }: Port): readonly Note[] =>
  filterExpected
    ? [note('FIREWALL_NOT_ENFORCED', 'it counts as filtered (port_filter is true), and nothing filters it')]
    : [];

const note = (code: WarningCode, text: string): Note => ({ code, text, remedy: WARNINGS[code].remedy });
