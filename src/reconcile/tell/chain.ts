import { WARNINGS, type Warning, type WarningCode } from '../../model/index.js';

export type ChainLinkName =
  | 'row'
  | 'admin state'
  | 'host'
  | 'binding'
  | 'mapping'
  | 'interface'
  | 'subinterface'
  | 'tunnel'
  | 'bridge'
  | 'tap';

/** One link of the chain from the database's row to the tap in its bridge. */
export interface ChainLink {
  readonly name: ChainLinkName;
  readonly holds: boolean;
  readonly text: string;
  /** What to do about it; null while it holds, and where nothing but waiting helps. */
  readonly remedy: string | null;
  readonly code: WarningCode | null;
}

export const ok = (name: ChainLinkName, text: string): ChainLink => ({
  name,
  holds: true,
  text,
  remedy: null,
  code: null,
});

export const broken = (name: ChainLinkName, text: string, remedy: string | null = null): ChainLink => ({
  name,
  holds: false,
  text,
  remedy,
  code: null,
});

export const warned = (name: ChainLinkName, { code, message }: Warning): ChainLink => ({
  name,
  holds: false,
  text: message,
  remedy: WARNINGS[code].remedy,
  code,
});

export const NEXT_PASS =
  'The agent does it in its next pass; when it does not, look at the last operation and the log.';
