import { nearly } from './nearest.js';
import { isSettingName, SECTIONS, SETTING_NAMES, type Section, type SettingName } from './schema.js';

/** What a key of a legacy file means to this agent. */
export type Meaning =
  | { readonly kind: 'setting'; readonly name: SettingName }
  /** One of the parts that Essex wrote instead of a URL. */
  | { readonly kind: 'essex'; readonly part: EssexPart }
  /** What only Neutron's agent has or does, told once a file and code. */
  | { readonly kind: 'ignored'; readonly code: 'ROOT_HELPER_IGNORED' | 'EXTENSIONS_IGNORED' }
  | { readonly kind: 'rpc' }
  /** Nearly one of ours. */
  | { readonly kind: 'misspelt'; readonly nearest: string }
  /** The plugin, other agents and oslo's libraries have hundreds of settings in these sections: accepted without a word. */
  | { readonly kind: 'irrelevant' };

const ESSEX_PARTS = ['connection', 'name', 'user', 'pass', 'host', 'port'] as const;
export type EssexPart = (typeof ESSEX_PARTS)[number];

/** Later names of settings in `[DATABASE]`, from the releases that used oslo.db (Havana on). */
const ALIASES: ReadonlyMap<string, SettingName> = new Map([
  ['connection', 'sql_connection'],
  ['max_retries', 'sql_max_retries'],
  ['retry_interval', 'reconnect_interval'],
]);

/** Sections of other agents whose settings have the names of ours. */
const FOREIGN_SECTIONS = ['OVS', 'MACVTAP'];

/** The section of ours that a file calls by this name. */
export const sectionCalled = (name: string): Section | undefined =>
  SECTIONS.find((ours) => ours === name.toUpperCase());

/**
 * Whether a key that stands in none of our sections was meant for one of them: the section's name is nearly right, or the
 * key is a setting's name. A `host` has many a program.
 */
export function isMisplaced(section: string, key: string): boolean {
  if (FOREIGN_SECTIONS.includes(section.toUpperCase())) return false;
  return (
    nearly(section, SECTIONS) !== null || (isSettingName(key.toLowerCase()) && key.toLowerCase() !== 'host')
  );
}

/**
 * What a key means in one of these sections. A setting is taken in any of them, so that a misplaced `read_only`
 * is never overlooked; only the short Essex words mean something in `[DATABASE]` alone (its `host` is the server).
 */
export function meaningOf(section: Section, written: string, value: string): Meaning {
  const key = written.toLowerCase();
  if (section === 'DATABASE') {
    // Havana's `connection` is a URL, that of Essex only the kind of database.
    const isUrl = key === 'connection' && value.includes('://');
    const part = isUrl ? undefined : ESSEX_PARTS.find((known) => known === key);
    if (part !== undefined) return { kind: 'essex', part };
    const alias = ALIASES.get(key);
    if (alias !== undefined) return { kind: 'setting', name: alias };
  }
  if (isSettingName(key)) return { kind: 'setting', name: key };
  if (key === 'root_helper' || key === 'root_helper_daemon')
    return { kind: 'ignored', code: 'ROOT_HELPER_IGNORED' };
  if (key === 'extensions' && section === 'AGENT')
    return value === '' ? { kind: 'irrelevant' } : { kind: 'ignored', code: 'EXTENSIONS_IGNORED' };
  if (key === 'rpc' && section === 'AGENT') return { kind: 'rpc' };
  const here = section === 'DATABASE' ? [...ESSEX_PARTS, ...ALIASES.keys()] : [];
  const nearest = nearly(key, [...SETTING_NAMES, ...here]);
  return nearest === null ? { kind: 'irrelevant' } : { kind: 'misspelt', nearest };
}
