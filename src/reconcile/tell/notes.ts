import { type Port, WARNINGS, type WarningCode } from '../../model/index.js';

/** What a port asks for and does not get, although it is wired. */
export interface Note {
  readonly text: string;
  readonly remedy: string;
  readonly code: WarningCode;
}

/** What a port asks for and does not get, in a clause. */
type Unserved = Pick<Note, 'code' | 'text'>;

/** What is to be said about a port beside its chain. */
export const notesOf = ({ filterExpected }: Port, unserved: readonly Unserved[]): readonly Note[] =>
  [...(filterExpected ? [UNFILTERED] : []), ...unserved].map(({ code, text }) => ({
    code,
    text,
    remedy: WARNINGS[code].remedy,
  }));

const UNFILTERED: Unserved = {
  code: 'FIREWALL_NOT_ENFORCED',
  text: 'it counts as filtered (port_filter is true), and nothing filters it',
};
