import { basename } from 'node:path';

/** Where the value of a setting was written. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  /** A file in systemd's $CREDENTIALS_DIRECTORY. */
  | { readonly kind: 'credential'; readonly file: string }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'command-line'; readonly flag: string };

/** The text of one setting as it was written, and where. */
export interface Written {
  readonly text: string;
  readonly origin: Origin;
}

/** One effective setting as a person may see it: `value` holds no secret. */
export interface SettingEntry {
  readonly name: string;
  readonly value: string;
  readonly origin: Origin;
}

/** One thing that keeps the settings from being used. No part of it holds a secret. */
export interface SettingProblem {
  /** The setting's name, or what else is wrong (`this line`, `--config-file`). */
  readonly setting: string;
  readonly origin: Origin;
  /** What is wrong, as the rest of a sentence that begins with `setting`. */
  readonly wrong: string;
  /** What to write instead, as a sentence without its full stop. */
  readonly remedy: string;
}

/** The origin in a few words, with the whole path of a file. */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'file':
      return `${origin.file}:${origin.line}`;
    case 'credential':
      return `credential ${basename(origin.file)}`;
    case 'environment':
      return `environment ${origin.variable}`;
    case 'command-line':
      return `command line ${origin.flag}`;
  }
}

/** The problem as one line for a person. */
export function describeProblem({ setting, origin, wrong, remedy }: SettingProblem): string {
  const place = origin.kind === 'default' ? '' : `${describeOrigin(origin)}: `;
  return `${place}${setting} ${wrong}. ${remedy}.`;
}
