import { command } from './netns.js';

/** An entry that leads to another end of a tunnel, as `bridge` prints it. */
export interface FdbRow {
  readonly mac: string;
  readonly dst: string;
  readonly via?: string;
  readonly state: string;
  readonly flags: readonly string[];
}

/** The forwarding database of one tunnel, as `bridge` shows it. */
export const fdbOf = (ns: string, device: string): FdbRow[] =>
  (JSON.parse(command('bridge', '-n', ns, '-j', 'fdb', 'show', 'dev', device)) as FdbRow[]).filter(
    ({ dst }) => dst !== undefined,
  );

/** `bridge fdb` in a namespace, for what somebody else writes. */
export const fdb = (ns: string, ...words: readonly string[]): string =>
  command('bridge', '-n', ns, 'fdb', ...words);
