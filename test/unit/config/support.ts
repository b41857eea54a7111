import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Output } from '../../../src/commands/invocation.js';
import {
  type LoadedSettings,
  loadSettings,
  type SettingProblem,
  type Sources,
} from '../../../src/config/load.js';

/** A folder of the test's own; gone when the test ends, also when it failed. */
export function folder(test: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'qla-config-'));
  test.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Writes one file of the test's own and returns its path. */
export function file(test: TestContext, text: string | Buffer, name = 'linuxbridge_conf.ini'): string {
  const path = join(folder(test), name);
  writeFileSync(path, text);
  return path;
}

const sourcesOf = (given: Partial<Sources>): Sources => ({
  files: [],
  // The machine's own file is nobody's here.
  conventional: [],
  commandLine: {},
  environment: {},
  ...given,
});

/** The settings, which must be right. */
export function loaded(given: Partial<Sources>): LoadedSettings {
  const result = loadSettings(sourcesOf(given));
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.problems));
  return result.loaded;
}

/** The problems, which there must be. */
export function problems(given: Partial<Sources>): readonly SettingProblem[] {
  const result = loadSettings(sourcesOf(given));
  assert.ok(!result.ok, 'the settings were accepted');
  return result.problems;
}

export const DATABASE = { QUANTUM_SQL_CONNECTION: 'mysql://quantum:secret@db/quantum' };

/** An output that keeps what a command prints and complains of. */
export function recorder(): { output: Output; printed: string[]; complained: string[] } {
  const printed: string[] = [];
  const complained: string[] = [];
  const output: Output = {
    print: (text) => printed.push(text),
    complain: (text) => complained.push(text),
    isRead: () => true,
    colour: false,
  };
  return { output, printed, complained };
}
