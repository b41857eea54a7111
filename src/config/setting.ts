import type { Format } from './formats.js';

/** The sections of a file that hold settings of this agent, in the spelling of the oldest files; case is ignored. */
export const SECTIONS = ['DEFAULT', 'DATABASE', 'LINUX_BRIDGE', 'VXLAN', 'SECURITYGROUP', 'AGENT'] as const;
export type Section = (typeof SECTIONS)[number];

/** One setting. `default` is the text a file would hold; null: there is none, or it depends on the host. */
export interface Setting<Value> {
  readonly section: Section;
  readonly default: string | null;
  readonly format: Format<Value>;
  readonly doc: string;
}

/** One with a default that a file could hold. */
export const setting = <Value>(
  section: Section,
  text: string,
  format: Format<Value>,
  doc: string,
): Setting<Value> => ({ section, default: text, format, doc });

/** One without. */
export const optional = <Value>(
  section: Section,
  format: Format<Value>,
  doc: string,
): Setting<Value | null> => ({
  section,
  default: null,
  format,
  doc,
});
