import { readRegularFile } from '../files/read-file.js';
import { errorCodeOf, messageOf } from '../model/thrown.js';
import type { Warning } from '../model/warning.js';
import { type EssexParts, essexConnection } from './essex.js';
import { boolean } from './formats.js';
import { type Assignment, type IniFile, parseIni } from './ini.js';
import { type EssexPart, isMisplaced, meaningOf, sectionCalled } from './legacy.js';
import { nearest } from './nearest.js';
import type { Origin, SettingProblem, Written } from './problem.js';
import { SECTIONS, type SettingName } from './schema.js';

/** Where a file is looked for when none is named; the first one that says anything is read. */
export const CONVENTIONAL_FILES: readonly string[] = [
  '/etc/quantum/quantum-linuxbridge-agent.ini',
  '/etc/quantum/plugins/linuxbridge/linuxbridge_conf.ini',
  '/etc/neutron/plugins/linuxbridge/linuxbridge_conf.ini',
  '/etc/neutron/plugins/ml2/linuxbridge_agent.ini',
];

/** The longest files that any release had are a hundredth of it. */
const FILE_BYTES_MAX = 1024 * 1024;

/** All that the files say. Of a setting written more than once the last is kept. */
export interface FileSettings {
  readonly written: ReadonlyMap<SettingName, Written>;
  readonly warnings: readonly Warning[];
  readonly problems: readonly SettingProblem[];
  /** The files that were read, in order. */
  readonly files: readonly string[];
}

/** What is gathered while the files are read. */
interface Gathered {
  readonly written: Map<SettingName, Written>;
  readonly essex: Map<EssexPart, Written>;
  readonly warnings: Warning[];
  readonly problems: SettingProblem[];
  /** Misspelt sections already warned of, and codes of settings that are ignored: one warning each. */
  readonly warned: Set<string>;
}

/**
 * Reads the named files in order, or the first of `conventional` that says anything when none is named (none is no problem then):
 * the one that a package brings has comments only, and hides no file of an older agent. Every file that cannot be read and every
 * line that makes no sense is a problem of its own.
 */
export function readFiles(named: readonly string[], conventional: readonly string[]): FileSettings {
  const gathered: Gathered = {
    written: new Map(),
    essex: new Map(),
    warnings: [],
    problems: [],
    warned: new Set(),
  };
  const files: string[] = [];
  for (const file of named.length > 0 ? named : conventional) {
    const content = readText(file);
    if (content.kind === 'absent' && named.length === 0) continue;
    if (content.kind === 'text') {
      const ini = parseIni(content.text);
      if (named.length === 0 && ini.assignments.length + ini.problems.length === 0) continue;
      files.push(file);
      gather(file, ini, gathered);
    } else gathered.problems.push(unreadable(file, content.reason));
    if (named.length === 0) break;
  }
  if (!gathered.written.has('sql_connection')) addEssexConnection(gathered.essex, gathered);
  return { ...gathered, files };
}

type Content =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' | 'unreadable'; readonly reason: string };

/** UTF-8 where the bytes are, else Latin-1: old files were read as bytes, and no byte of a password may be lost. */
function readText(file: string): Content {
  try {
    const bytes = readRegularFile(file, FILE_BYTES_MAX);
    try {
      return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
    } catch {
      return { kind: 'text', text: bytes.toString('latin1') };
    }
  } catch (error) {
    const code = errorCodeOf(error) ?? messageOf(error);
    const absent = code === 'ENOENT' || code === 'ENOTDIR';
    return {
      kind: absent ? 'absent' : 'unreadable',
      reason: absent ? 'does not exist' : `cannot be read (${code})`,
    };
  }
}

const unreadable = (file: string, reason: string): SettingProblem => ({
  setting: file,
  origin: { kind: 'command-line', flag: '--config-file' },
  wrong: reason,
  remedy: 'Name a file that this user can read',
});

function gather(file: string, { assignments, problems }: IniFile, gathered: Gathered): void {
  for (const { line, wrong } of problems)
    gathered.problems.push({
      setting: 'this line',
      origin: { kind: 'file', file, line },
      wrong,
      remedy: 'Write key = value under a [SECTION], or # at the beginning of the line for a comment',
    });
  for (const assignment of assignments) {
    take(assignment, { kind: 'file', file, line: assignment.line }, gathered);
  }
}

function take(assignment: Assignment, origin: Origin & { kind: 'file' }, gathered: Gathered): void {
  const { key, value } = assignment;
  const where = `${origin.file}:${origin.line}`;
  const section = sectionCalled(assignment.section);
  if (section === undefined) {
    if (isMisplaced(assignment.section, key)) warnOfSection(assignment.section, where, gathered);
    return;
  }
  const meaning = meaningOf(section, key, value);
  switch (meaning.kind) {
    case 'irrelevant':
      return;
    case 'setting':
      gathered.written.set(meaning.name, {
        text: meaning.name === 'sql_connection' ? undollared(value) : value,
        origin,
      });
      return;
    case 'essex':
      gathered.essex.set(meaning.part, { text: value, origin });
      return;
    case 'ignored':
      if (gathered.warned.has(meaning.code)) return;
      gathered.warned.add(meaning.code);
      gathered.warnings.push({
        code: meaning.code,
        message: `${where}: ${key} is ignored, ${IGNORED[meaning.code]}.`,
      });
      return;
    case 'rpc':
      refuseRpc(value, origin, gathered);
      return;
    case 'misspelt':
      gathered.warnings.push({
        code: 'SETTING_UNKNOWN',
        message: `${where}: ${key} in [${assignment.section}] is not a known setting; the nearest one is ${meaning.nearest}.`,
      });
  }
}

const IGNORED = {
  ROOT_HELPER_IGNORED: 'this agent starts no commands',
  EXTENSIONS_IGNORED: 'this agent has no extensions',
};

/** oslo.config takes `$` for a reference to another option, so a file that worked has `$$` where a `$` is meant. */
const undollared = (value: string): string => value.replaceAll('$$', () => '$');

function warnOfSection(section: string, where: string, gathered: Gathered): void {
  if (gathered.warned.has(section)) return;
  gathered.warned.add(section);
  gathered.warnings.push({
    code: 'SETTING_UNKNOWN',
    message: `${where}: [${section}] is not a known section, nothing in it is read; the nearest one is [${nearest(section, SECTIONS)}].`,
  });
}

function refuseRpc(value: string, origin: Origin, gathered: Gathered): void {
  const rpc = boolean.parse(value);
  if (rpc.ok && !rpc.value) return;
  gathered.problems.push({
    setting: 'rpc',
    origin,
    wrong: rpc.ok ? 'is true, but this agent has no RPC: it reads the database' : rpc.wrong,
    remedy: 'Write rpc = False or remove the line',
  });
}

function addEssexConnection(parts: EssexParts, gathered: Gathered): void {
  const connection = essexConnection(parts);
  if (connection === null) return;
  if ('text' in connection) gathered.written.set('sql_connection', connection);
  else gathered.problems.push(...connection);
}
