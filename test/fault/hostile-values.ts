/** What an operator's tool, a broken migration or a tenant may have left in a column. */
export type Hostile = string | number | bigint | null;

const LONG = 'x'.repeat(10_000);

/** For text columns. PostgreSQL stores no NUL; everything else is stored as it is. */
export const HOSTILE_TEXTS: readonly Hostile[] = [
  null,
  '',
  ' ',
  LONG,
  `${LONG}\n`,
  '\u0001\u0002\u0007\u001b[31m',
  'line\nbreak\r\ttab',
  "'; drop table ports; --",
  '"',
  '`',
  '\\',
  '../',
  '../../../proc/sys',
  '/',
  'a/b',
  '\u202egnp.exe\u2066',
  '\u200b\ufeff',
  'ÄÖÜß',
  '𝒳💥',
  '%',
  '_',
  '{"a":1}',
  'lo',
  'eth1',
  'br-foreign',
  'tapforeign',
  '__proto__',
  'constructor',
  'PHYSNET1',
  'physnet1 ',
  '-1',
  'NaN',
];

/** For number columns, all of 64 bits. */
export const HOSTILE_NUMBERS: readonly Hostile[] = [
  null,
  0,
  -1,
  -2,
  -3,
  4095,
  4096,
  65_536,
  2_147_483_647,
  -2_147_483_648,
  4_294_967_296 + 100,
  9_007_199_254_740_993n,
  9_223_372_036_854_775_807n,
  -9_223_372_036_854_775_808n,
];
